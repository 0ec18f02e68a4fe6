import { describe, expect, it, vi } from 'vitest';
import { codeOf, type Outcome } from '../../src/domain/outcome.js';
import type { Action, ScriptEvent } from '../support/script-relay.js';
import { mail, plainUrl, pool, script, send, signal, takeOne } from './setting.js';

interface Case {
  readonly what: string;
  readonly at: ScriptEvent['stage'];
  readonly action: Action;
  /** `kind`, `kind stage` or `kind stage code`. */
  readonly outcome: string;
  /** Whether the next message goes over the same connection. */
  readonly kept: boolean;
}

const hang: Action = { pieces: [] };
const garbage: Action = { pieces: ['how do you do?\r\n'], after: 'hang' };
/** It need not close: a client must. */
const closing: Action = { reply: '421 4.3.2 shutting down' };
const part = (text: string): Action => ({ pieces: [text], after: 'end' });
const CASES: readonly Case[] = [
  ...(['mail', 'rcpt', 'data'] as const).flatMap((at): Case[] => [
    {
      what: 'drops the connection',
      at,
      action: { pieces: [], after: 'destroy' },
      outcome: `not-sent ${at}`,
      kept: false,
    },
    { what: 'says nothing', at, action: hang, outcome: `not-sent ${at}`, kept: false },
    { what: 'says nonsense', at, action: garbage, outcome: `not-sent ${at}`, kept: false },
    { what: 'says half a refusal', at, action: part('550 5.1.1 no su'), outcome: `not-sent ${at}`, kept: false },
    { what: 'changes the code', at, action: { reply: '550-a\r\n450 b' }, outcome: `not-sent ${at}`, kept: false },
    { what: 'says 421', at, action: closing, outcome: `refused ${at} 421 4.3.2`, kept: false },
    {
      what: 'refuses for now',
      at,
      action: { reply: '450 4.2.1 later' },
      outcome: `refused ${at} 450 4.2.1`,
      kept: true,
    },
    {
      what: 'refuses for good',
      at,
      action: { reply: '550-5.1.1 no\r\n550 5.1.1 never' },
      outcome: `refused ${at} 550 5.1.1`,
      kept: true,
    },
    { what: 'asks for more', at, action: { reply: '334 more' }, outcome: `not-sent ${at}`, kept: false },
  ]),
  { what: 'accepts too early', at: 'data', action: { reply: '250 accepted' }, outcome: 'not-sent data', kept: false },
  {
    what: 'says 354 and at once 250',
    at: 'data',
    action: { pieces: ['354 go on\r\n250 ok\r\n'] },
    outcome: 'not-sent data',
    kept: false,
  },
  {
    what: 'drops it unkept',
    at: 'message',
    action: { pieces: [], after: 'destroy', keep: false },
    outcome: 'unknown',
    kept: false,
  },
  {
    what: 'drops it, kept',
    at: 'message',
    action: { pieces: [], after: 'destroy', keep: true },
    outcome: 'unknown',
    kept: false,
  },
  { what: 'closes', at: 'message', action: { pieces: [], after: 'end', keep: true }, outcome: 'unknown', kept: false },
  { what: 'says nothing', at: 'message', action: hang, outcome: 'unknown', kept: false },
  { what: 'says nonsense', at: 'message', action: garbage, outcome: 'unknown', kept: false },
  {
    what: 'says half of yes',
    at: 'message',
    action: { ...part('250 o'), keep: true },
    outcome: 'unknown',
    kept: false,
  },
  {
    what: 'says a code alone, unended',
    at: 'message',
    action: { ...part('250'), keep: true },
    outcome: 'unknown',
    kept: false,
  },
  { what: 'says half of no', at: 'message', action: part('550 5.7.1 sp'), outcome: 'unknown', kept: false },
  {
    what: 'begins a long yes',
    at: 'message',
    action: { ...part('250-ok\r\n'), keep: true },
    outcome: 'unknown',
    kept: false,
  },
  {
    what: 'asks for more',
    at: 'message',
    action: { reply: '354 go on', keep: false },
    outcome: 'unknown',
    kept: false,
  },
  { what: 'says 421', at: 'message', action: closing, outcome: 'refused message 421 4.3.2', kept: false },
  {
    what: 'refuses for now',
    at: 'message',
    action: { reply: '451 4.3.0 later' },
    outcome: 'refused message 451 4.3.0',
    kept: true,
  },
  {
    what: 'refuses for good',
    at: 'message',
    action: { reply: '554 spam' },
    outcome: 'refused message 554',
    kept: true,
  },
  {
    what: 'refuses and leaves',
    at: 'message',
    action: { reply: '554 5.7.1 spam', after: 'end' },
    outcome: 'refused message 554 5.7.1',
    kept: false,
  },
  { what: 'accepts', at: 'message', action: {}, outcome: 'sent 250 2.0.0', kept: true },
  { what: 'accepts with a bare code', at: 'message', action: { reply: '250' }, outcome: 'sent 250', kept: true },
  {
    what: 'accepts in pieces',
    at: 'message',
    action: { pieces: ['2', '50-2.0', '.0 a\r', '\n250', ' 2.0.0 b\r\n'], keep: true },
    outcome: 'sent 250 2.0.0',
    kept: true,
  },
  {
    what: 'accepts, then says 421',
    at: 'message',
    action: { pieces: ['250 ok\r\n421 bye\r\n'], keep: true },
    outcome: 'sent 250',
    kept: false,
  },
  {
    what: 'accepts, then begins to say more',
    at: 'message',
    action: { pieces: ['250 ok\r\n25'], keep: true },
    outcome: 'sent 250',
    kept: false,
  },
  {
    what: 'refuses, then goes mad',
    at: 'message',
    action: { pieces: ['550 no\r\n\0\0\r\n'] },
    outcome: 'refused message 550',
    kept: false,
  },
];

function inWords(outcome: Outcome): string {
  const stage = 'stage' in outcome ? ` ${outcome.stage}` : '';
  return `${outcome.kind}${stage}${'reply' in outcome ? ` ${codeOf(outcome.reply)}` : ''}`;
}

describe.each([
  ['pipelined', ''],
  ['one by one', '&pipelining=false'],
])('the truth of a message, %s', (_mode, option) => {
  it.each(CASES)('at $at, a relay that $what: $outcome', async ({ at, action, outcome, kept }) => {
    let first = true;
    const server = await script({
      contents: true,
      behave: (event) => {
        if (event.stage !== at || !first) return undefined;
        first = false;
        return action;
      },
    });
    const relay = pool(plainUrl(server, option));

    const result = await send(relay);
    expect(inWords(result)).toBe(outcome);
    if (result.kind === 'sent') expect(server.accepted).toBe(1);
    else if (result.kind !== 'unknown') expect(server.accepted).toBe(0);

    if (!kept) await vi.waitUntil(() => server.open === 0);
    const before = server.accepted;
    expect((await send(relay)).kind).toBe('sent');
    expect(server.accepted).toBe(before + 1);
    expect(server.connections).toBe(kept ? 1 : 2);
  });

  it('never sends a message to a relay that says 354 after it refused the recipient', async () => {
    const server = await script({
      contents: true,
      behave: ({ stage, address }) => {
        if (stage === 'rcpt' && address === 'bad@example.com') return { reply: '550 5.1.1 no' };
        return stage === 'data' ? { reply: '354 go on all the same' } : undefined;
      },
    });
    // It must not wait for that.
    const relay = pool(plainUrl(server, option), { timeouts: { afterRefusal: 60_000 } });
    expect(await send(relay, mail('bad@example.com'))).toMatchObject({
      kind: 'refused',
      stage: 'rcpt',
      reply: { code: 550 },
    });
    expect(await send(relay, mail('good@example.com'))).toMatchObject({ kind: 'sent' });
    expect(server.accepted).toBe(1);
    expect(server.contents.map(String)).toEqual([mail('good@example.com').content.toString()]);
  }, 5000);

  it('takes a refusal for the outcome at once, though the relay says nothing more', async () => {
    const server = await script({
      behave: ({ stage, address }) => {
        if (stage === 'rcpt' && address === 'bad@example.com') return { reply: '550 5.1.1 no', after: 'hang' };
        return undefined;
      },
    });
    const relay = pool(plainUrl(server, option), { timeouts: { afterRefusal: 60 } });
    expect((await send(relay, mail('bad@example.com'))).kind).toBe('refused');
    expect((await send(relay)).kind).toBe('sent');
    expect(server.connections).toBe(2);
  });
});

describe('replies that come before they are asked for', () => {
  it.each(['mail', 'rcpt'] as const)('to %s, one by one: nothing is sent', async (at) => {
    let first = true;
    const server = await script({
      behave: ({ stage }) => {
        if (stage !== at || !first) return undefined;
        first = false;
        return { reply: '250 ok\r\n250 ok' };
      },
    });
    const relay = pool(plainUrl(server, '&pipelining=false'));
    expect(await send(relay)).toMatchObject({ kind: 'not-sent', stage: at });
    await vi.waitUntil(() => server.open === 0);
    expect((await send(relay)).kind).toBe('sent');
    expect(server.accepted).toBe(1);
  });

  it('shifted by one, pipelined: nothing is sent', async () => {
    const server = await script({
      behave: ({ stage, connection }) =>
        stage === 'mail' && connection === 1 ? { reply: '250 ok\r\n250 ok' } : undefined,
    });
    const relay = pool(plainUrl(server));
    expect(await send(relay)).toMatchObject({ kind: 'not-sent', stage: 'data' });
    expect((await send(relay)).kind).toBe('sent');
    expect(server.accepted).toBe(1);
  });
});

describe('giving up', () => {
  it.each([
    ['mail', 'not-sent'],
    ['rcpt', 'not-sent'],
    ['data', 'not-sent'],
    ['message', 'unknown'],
  ])('while the reply at %s is awaited leaves the message %s', async (at, kind) => {
    const reached = signal();
    const server = await script({
      extensions: ['PIPELINING'],
      behave: ({ stage }) => {
        if (stage !== at) return undefined;
        reached.resolve();
        return { pieces: [] };
      },
    });
    const relay = pool(plainUrl(server, '&pipelining=false'), { timeouts: {} });
    const outcome = (await takeOne(relay)).send(mail());
    await reached.promise;
    relay.abandon();
    expect((await outcome).kind).toBe(kind);
  });
});
