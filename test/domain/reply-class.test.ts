import { expect, it } from 'vitest';
import type { Reply } from '../../src/domain/outcome.js';
import { classify, REPLY_RULES, type ReplyClass } from '../../src/domain/reply-class.js';
import { judge } from '../../src/domain/verdict.js';

/** `421 4.7.28 words` as a relay says it. */
function reply(text: string): Reply {
  const [, code, , subject, detail, words = ''] = /^(\d{3})(?: ([245])\.(\d+)\.(\d+))?\s?(.*)$/.exec(text) ?? [];
  return {
    code: Number(code),
    text: words,
    ...(subject === undefined ? {} : { enhanced: [Number(subject), Number(detail)] as const }),
  };
}

/** What Gmail, Microsoft, Yahoo and others really say. */
it.each<[string, ReplyClass]>([
  ['421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume', 'throttle'],
  ['421 4.7.28 Gmail has detected an unusual rate of email originating from your IP', 'throttle'],
  ['450 4.7.28 Our system has detected an unusual rate of unsolicited mail', 'throttle'],
  ['550 5.7.28 Our system has detected an unusual rate of unsolicited mail', 'throttle'],
  ['421', 'unavailable'],
  ['421 4.3.0 closing', 'unavailable'],
  ['421 4.4.2 Too many messages in this session', 'throttle'],
  ['432 4.3.2 The recipient’s server is busy', 'throttle'],
  ['454 4.7.0 Temporary authentication failure', 'throttle'],
  ['452 4.5.3 Domain policy size per transaction exceeded', 'throttle'],
  ['451 4.7.1 [TSS04] deferred', 'throttle'],
  ['550 connection frequency limited', 'throttle'],
  ['550 5.7.0 Too many messages from you', 'throttle'],
  ['554 5.7.1 Rate limit exceeded', 'throttle'],
  ['450 4.2.1 The user you are trying to contact is receiving mail too quickly', 'transient'],
  ['451 4.7.1 Greylisted, try again in 300 seconds', 'transient'],
  ['451 4.3.0 Mail server temporarily rejected message', 'transient'],
  ['452 4.2.2 The recipient’s inbox is out of storage space', 'transient'],
  [
    '421 4.7.29 Your email has been rate limited because this message wasn’t sent over a TLS connection',
    'misconfigured',
  ],
  ['550 5.7.25 The IP address sending this message does not have a PTR record', 'misconfigured'],
  ['421 4.7.27 SPF authentication did not pass', 'misconfigured'],
  ['550 5.7.26 Unauthenticated email is not accepted due to the domain’s DMARC policy', 'misconfigured'],
  ['550 5.7.515 Access denied, sending domain does not meet the required authentication level', 'misconfigured'],
  ['530 5.7.0 Authentication required', 'misconfigured'],
  ['535 5.7.8 Username and password not accepted', 'misconfigured'],
  ['550 5.1.1 The email account that you tried to reach does not exist', 'dead'],
  ['550 5.1.2 Host unknown', 'dead'],
  ['553 5.1.3 The recipient address is not a valid RFC 5321 address', 'dead'],
  ['550 5.1.10 RESOLVER.ADR.RecipientNotFound', 'dead'],
  ['550 5.4.6 Too many hops', 'permanent'],
  ['550 5.7.1 Message rejected as spam', 'permanent'],
  ['552 5.2.2 Mailbox full', 'permanent'],
  ['554', 'permanent'],
])('"%s" is %s', (text, expected) => {
  expect(classify(reply(text))).toBe(expected);
});

it('the operator’s own rules come before the table, and the first that fits decides', () => {
  const own = [
    { code: '554', words: 'Policy 42', class: 'throttle' },
    { code: '5xx', class: 'dead' },
  ] as const;
  expect(classify(reply('554 5.7.1 rejected by policy 42'), own)).toBe('throttle');
  expect(classify(reply('554 5.7.1 rejected by policy 43'), own)).toBe('dead');
  expect(classify(reply('451 4.3.0 later'), own)).toBe('transient');
});

it('every line of the table is reached by a reply that says what it names', () => {
  for (const rule of REPLY_RULES) {
    const code = rule.code?.replace('xx', '50') ?? (rule.enhanced?.startsWith('5') ? '550' : '450');
    const enhanced = rule.enhanced?.replace(/^x/, code[0] ?? '').replace(/x$/, '1');
    expect(classify(reply([code, enhanced, rule.words].filter(Boolean).join(' '))), JSON.stringify(rule)).toBe(
      rule.class,
    );
  }
});

it('no attempt is used for the pace or the sender; a dead or refused recipient has failed', () => {
  const verdict = (text: string) =>
    judge(
      { kind: 'refused', stage: 'rcpt', reply: reply(text), latencyMs: 1 },
      { retryScheduleMs: [1_000] },
      { attempts: 0, droppedBefore: false },
      0.5,
    );
  expect(verdict('421 4.7.0 slow down')).toMatchObject({ verb: 'waiting', reason: 'throttled', delayMs: 1_000 });
  expect(verdict('550 connection frequency limited')).toMatchObject({ verb: 'waiting', replyClass: 'throttle' });
  expect(verdict('451 4.3.0 later')).toMatchObject({ verb: 'deferred', reason: 'reply', delayMs: 1_000 });
  expect(verdict('550 5.7.26 no')).toMatchObject({ verb: 'untouched', replyClass: 'misconfigured' });
  expect(verdict('550 5.1.1 no')).toMatchObject({ verb: 'failed', replyClass: 'dead' });
  expect(verdict('554 5.7.1 no')).toMatchObject({ verb: 'failed', replyClass: 'permanent' });
});
