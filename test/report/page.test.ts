import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Summary } from '../../src/domain/summary.js';
import { html, trusted } from '../../src/report/html.js';
import { summaryPage } from '../../src/report/page.js';
import { SUMMARY } from './summaries.js';

/** What a page of no more than fanmail's own words has: the tags and their attributes, in order. */
function skeleton(page: string): string[] {
  return (page.replace(/<style>.*<\/style>/s, '<style>').match(/<[^>]*>/g) ?? []).map((tag) =>
    tag.replace(/="[^"]*"/g, '=""'),
  );
}

describe('a piece of a page', () => {
  it('escapes what is put in, in text and in attributes, and joins arrays', () => {
    expect(html`<b title="${`"'><&`}">${['<i>', 1, html`<u>${'&'}</u>`]}</b>`.toString()).toBe(
      '<b title="&quot;&#39;&gt;&lt;&amp;">&lt;i&gt;1<u>&amp;</u></b>',
    );
  });

  it('takes only what is trusted as it is', () => {
    expect(html`${trusted('<br>')}`.toString()).toBe('<br>');
  });
});

describe('the page of a summary', () => {
  const hostile = '</title></style><script>alert(1)</script><img src=x onerror=alert(1)>"\'&';
  const texts = fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.constant(hostile));

  function with_(text: string): Summary {
    return {
      ...SUMMARY,
      name: `n${text}`,
      from: text,
      relay: text,
      list: { sha256: text, rows: 3, rejects: { [`r${text}`]: 1 } },
      template: { sha256: text },
      domains: [{ domain: `d${text}`, total: 1, sent: 1, failed: 0, unknown: 0 }],
      refusals: [{ code: `c${text}`, count: 1, sample: text }],
      reasons: { [`r${text}`]: 1 },
    };
  }

  it('has the same tags whatever the list and the relay say, and nothing that moves or hides text', () => {
    const expected = skeleton(summaryPage(with_('x')));
    expect(expected.length).toBeGreaterThan(100);
    fc.assert(
      fc.property(texts, (text) => {
        const page = summaryPage(with_(text));
        expect(skeleton(page)).toEqual(expected);
        expect(page.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e]/u);
      }),
    );
    expect(summaryPage(with_(hostile))).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('leaves out what did not happen, and survives that nothing did', () => {
    const { timeline, latencies, replies, ...rest } = SUMMARY;
    const states = { ...SUMMARY.states, sent: 0, failed: 0, unknown: 0 };
    const nothing = {
      ...rest,
      total: 0,
      states,
      latencyMs: null,
      domains: [],
      refusals: [],
      reasons: {},
      lateWords: 0,
    };
    const page = summaryPage({ ...nothing, list: { ...SUMMARY.list, rejects: {} } });
    expect([...page.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading)).toEqual(['Totals', 'Campaign']);
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
    expect([timeline, latencies, replies]).not.toContain(undefined);
  });

  it('names the round and its files', () => {
    const page = summaryPage({ ...SUMMARY, round: 2 });
    expect(page).toContain('completed, round 2');
    expect(page).toContain('results.round-2.csv');
  });
});
