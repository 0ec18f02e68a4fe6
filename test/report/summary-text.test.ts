import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf } from '../../src/report/format.js';
import { noticeMessage } from '../../src/report/notice.js';
import { summaryText } from '../../src/report/summary-text.js';
import { SUMMARY } from './summaries.js';

describe('a summary as text', () => {
  it('has totals with their shares, rejects, rates, latencies, refusals and domains', () => {
    const text = summaryText(SUMMARY, { dir: '/srv/results/spring-2026' });
    for (const line of [
      /^Spring newsletter \(spring-2026\): completed$/m,
      /^ {2}sent +24,459 +97\.8%$/m,
      /^ {2}failed +503 +2\.0%$/m,
      /^ {2}unknown +38 +0\.2%$/m,
      /^ {2}total +25,000$/m,
      /^Rows that were rejected \(310 of 25,310\)$/m,
      /^ {2}duplicate +212$/m,
      /^ {2}took +2 h 05 min$/m,
      /^ {2}rate +3\.3\/s sent$/m,
      /^ {2}retries +1,271$/m,
      /^ {2}relay took +4\.3 ms \(median\), 81 ms \(90%\), 1\.9 s \(99%\)$/m,
      /^ {2}attempts used up +23$/m,
      /^ {2}550 5\.1\.1 +480\n {6}The email account that/m,
      /^ {2}provider-0\.example +2,000 +1,960 +39 +1$/m,
      /^ {2}\/srv\/results\/spring-2026$/m,
      /results\.csv/,
      /fanmail report spring-2026/,
    ]) {
      expect(text).toMatch(line);
    }
  });

  it('explains unknown and late words only where there are any', () => {
    expect(summaryText(SUMMARY)).toContain('may not have arrived');
    expect(summaryText(SUMMARY)).toContain('2 outcomes came after the end');
    const calm = { ...SUMMARY, states: { ...SUMMARY.states, unknown: 0 }, lateWords: 0 };
    expect(summaryText(calm)).not.toMatch(/may not have arrived|after the end/);
    expect(summaryText(calm)).toMatch(/^ {2}unknown +0 +0\.0%$/m);
  });

  it('shows ten domains and says that there are more', () => {
    const text = summaryText(SUMMARY);
    expect(text).toContain('Recipient domains (the first 10 of 13)');
    expect(text).toContain('provider-9.example');
    expect(text).not.toContain('provider-10.example');
  });

  it('leaves out what there is nothing to say about', () => {
    const bare = {
      ...SUMMARY,
      list: { ...SUMMARY.list, rejects: {} },
      refusals: [],
      reasons: {},
      domains: [],
      latencyMs: null,
    };
    expect(summaryText(bare)).not.toMatch(/rejected|refused|Why|domains/);
    expect(summaryText(bare)).toMatch(/relay took +no answers/);
  });

  it('names the files of its own round', () => {
    expect(summaryText({ ...SUMMARY, round: 3 })).toMatch(/results\.round-3\.csv;[\s\S]*summary\.round-3\.json/);
    expect(summaryText({ ...SUMMARY, round: 3 })).toContain('completed, round 3');
  });

  it('fits its width and holds no control characters, whatever list and relay say', () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(hostile, hostile, hostile, fc.constantFrom(60, 80, 120), (name, sample, domain, width) => {
        const summary = {
          ...SUMMARY,
          name,
          from: `${name} <news@example.com>`,
          refusals: [{ code: '550', count: 1, sample }],
          domains: [{ domain, total: 1, sent: 0, failed: 1, unknown: 0 }],
        };
        const lines = summaryText(summary, { width }).split('\n');
        for (const line of lines) {
          expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e]/u);
          const oneWord = !line.trim().includes(' ');
          expect(oneWord || columnsOf(line) <= width, line).toBe(true);
        }
      }),
    );
  });
});

describe('a notice', () => {
  it('says the outcome in its subject, and the summary in its text', () => {
    const { subject, text } = noticeMessage(SUMMARY, {
      from: 'news@example.com',
      to: 'ops@example.com',
      dir: '/srv/r',
    });
    expect(subject).toBe('Spring newsletter completed: 24,459 of 25,000 sent, 503 failed, 38 unknown');
    expect(text).toContain(summaryText(SUMMARY, { dir: '/srv/r' }));
    expect(text).toMatch(/from news@example\.com to ops@example\.com/);
  });

  it('does not mention what did not happen', () => {
    const states = { ...SUMMARY.states, sent: 25_000, failed: 0, unknown: 0 };
    const { subject } = noticeMessage({ ...SUMMARY, states }, { from: 'a@b.example', to: 'c@d.example' });
    expect(subject).toBe('Spring newsletter completed: 25,000 of 25,000 sent');
  });

  it('has a subject of one short line even for a name that would start a header', () => {
    const name = `x\r\nBcc: everyone@example.com\r\n${'long '.repeat(100)}`;
    const { subject } = noticeMessage({ ...SUMMARY, name }, { from: 'a@b.example', to: 'c@d.example' });
    expect(subject).not.toMatch(/[\r\n]/);
    expect(subject.length).toBeLessThan(160);
  });
});
