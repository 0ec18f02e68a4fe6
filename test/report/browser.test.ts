import { readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { latencyBucket } from '../../src/domain/latency.js';
import type { Summary } from '../../src/domain/summary.js';
import { count, duration, percent } from '../../src/report/format.js';
import { summaryPage } from '../../src/report/page.js';
import { createResults } from '../../src/report/results.js';
import { findChromium, NO_CHROMIUM, startChromium } from '../support/chromium.js';
import { bodyColours, lowContrasts, overflows, pageWidth } from './in-page.mjs';
import { campaignOf, type Entry, recordingLog, SEALED_AT, sourceOf, temporaryFolder } from './ledger.js';
import { SUMMARY } from './summaries.js';

const CHROMIUM = findChromium();
if (CHROMIUM === null) process.stderr.write(`The report in a browser is ${NO_CHROMIUM}\n`);

/** Long words without a space, large numbers, every section. */
const WIDE: Summary = {
  ...SUMMARY,
  name: `${'A-very-long-name-'.repeat(8)}<b>`,
  from: `${'x'.repeat(60)}@${'y'.repeat(60)}.example`,
  total: 123_456_789,
  states: { ...SUMMARY.states, sent: 123_000_000, failed: 400_000, unknown: 56_789, skipped: 12_345 },
  domains: Array.from({ length: 101 }, (_, i) => ({
    domain: i === 100 ? '*' : `${'subdomain'.repeat(7)}.${i}.example`,
    total: 12_345_678,
    sent: 12_000_000,
    failed: 345_000,
    unknown: 678,
  })),
  refusals: [
    { code: '550 5.7.999', count: 1_234_567, sample: `https://example.com/${'path/'.repeat(35)}` },
    { code: '*', count: 3, sample: '' },
  ],
  timeline: { startedAt: '2026-05-01T12:00:00.000Z', stepMs: 1_800_000, counts: Array(500).fill(1_234_567) },
};

describe.skipIf(CHROMIUM === null)(`the report in Chromium${CHROMIUM === null ? `, ${NO_CHROMIUM}` : ''}`, () => {
  let browser: Browser;
  let server: Server;
  let url: string;
  let served = '';
  let root: string;

  beforeAll(async () => {
    browser = await startChromium(CHROMIUM ?? '');
    root = await temporaryFolder();
    server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(served);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    server.close();
    await rm(root, { recursive: true });
  });

  /** Opens a page over HTTP, and keeps what it asked for and what the console said. */
  async function open(content: string, width = 1200, colorScheme: 'light' | 'dark' = 'light') {
    served = content;
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const [asked, said]: [string[], string[]] = [[], []];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    await page.goto(url, { waitUntil: 'networkidle' });
    return { page, asked, said };
  }

  it('asks for nothing but itself, says nothing on the console, and runs nothing of a list or relay', async () => {
    const sample = '<script>document.title="owned"</script><img src="http://127.0.0.1:9/x" onerror="document.title=1">';
    const summary = { ...WIDE, name: `${sample}name`, refusals: [{ code: '550', count: 1, sample }] };
    const { page, asked, said } = await open(summaryPage(summary));
    expect(asked.filter((one) => !one.startsWith('data:'))).toEqual([url]);
    expect(said).toEqual([]);
    expect(await page.title()).toBe(`${sample}name: completed`);
    expect(await page.locator('script, img, link[rel=stylesheet], iframe, object').count()).toBe(0);
  });

  it('has the figures of summary.json', async () => {
    const states = ['sent', 'sent', 'sent', 'failed', 'failed', 'unknown', 'skipped'] as const;
    const entries = Array.from({ length: 7_000 }, (_, i): Entry => {
      const state = states[i % 7] ?? 'sent';
      const reason = state === 'unknown' ? 'unanswered' : state === 'skipped' ? 'cancelled' : 'reply';
      const code = state === 'sent' ? 250 : state === 'failed' ? 550 : 0;
      return { address: `r${i}@d${i % 150}.example`, state, code, reason, words: code === 550 ? 1 : 0 };
    });
    const campaign = campaignOf(entries.length, root);
    const seconds = SEALED_AT / 1000;
    const source = {
      ...sourceOf(campaign, [entries], { words: new Map([[1, 'no <such> user']]) }),
      latencies: new Map([1, 5, 5, 40, 900].map((ms, i) => [latencyBucket(ms), i + 1])),
      timeline: new Map([0, 10, 40].map((second, i) => [seconds + second, 1_000 + i])),
    };
    const { dir } = await createResults({ defaultDir: root, log: recordingLog() }).write(campaign, source);
    const summary = JSON.parse(await readFile(join(dir, 'summary.json'), 'utf8')) as Summary;
    const { page } = await open(await readFile(join(dir, 'summary.html'), 'utf8'));

    const { sent, failed, unknown, skipped } = summary.states;
    const shares = (value: number) => [count(value), percent(value, summary.total)];
    expect(await rows(page, 'Recipients by state')).toEqual([
      ['sent', ...shares(sent)],
      ['failed', ...shares(failed)],
      ['unknown', ...shares(unknown)],
      ['skipped', ...shares(skipped)],
    ]);
    expect(await cells(page.locator('tfoot'))).toEqual([['total', count(summary.total), '']]);
    const figures = await page.locator('.figures').first().locator('dd:first-of-type').allTextContents();
    expect(figures).toEqual([count(sent), count(failed), count(unknown), duration(summary.durationMs)]);
    expect(await rows(page, 'Recipients by domain')).toEqual(
      summary.domains.map((one) => [
        one.domain === '*' ? '(others)' : one.domain,
        ...[one.total, one.sent, one.failed, one.unknown].map(count),
      ]),
    );
    expect(summary.domains).toHaveLength(101);
    expect(await rows(page, 'Final refusals by code')).toEqual(
      summary.refusals.map((one) => [one.code, count(one.count), one.sample]),
    );
    expect(await rows(page, 'Recipients by reason')).toEqual(
      Object.entries(summary.reasons)
        .sort(([, a], [, b]) => b - a)
        .map(([reason, value]) => [reason, count(value)]),
    );
    expect((await rows(page, 'Answers by how long they took')).map(([, answers]) => answers)).toEqual(
      summary.latencies?.map((one) => count(one.count)),
    );
    const bars = await page.locator('.plot rect title').allTextContents();
    expect(bars.map((text) => text.replace(/^.*: /, ''))).toEqual(
      summary.timeline?.counts.filter((value) => value > 0).map((value) => `${count(value)} in 10 s`),
    );
  });

  it('draws each bar of the throughput as high as its count', async () => {
    const timeline = { startedAt: '2026-05-01T12:00:00.000Z', stepMs: 10_000, counts: [10, 0, 5, 1] };
    const { page } = await open(summaryPage({ ...SUMMARY, timeline }));
    const plot = await page.locator('.plot svg').boundingBox();
    const boxes = await Promise.all((await page.locator('.plot rect').all()).map((bar) => bar.boundingBox()));
    const bottom = (plot?.y ?? 0) + (plot?.height ?? 0);
    expect(boxes.map((box) => Math.round((1000 * (box?.height ?? 0)) / (plot?.height ?? 1)) / 1000)).toEqual([
      1, 0.5, 0.1,
    ]);
    for (const box of boxes) expect((box?.y ?? 0) + (box?.height ?? 0)).toBeCloseTo(bottom, 0);
    expect(await page.locator('.y').allInnerTexts()).toEqual(['10\n5\n0']);
  });

  it.each([
    [375, 'light'],
    [375, 'dark'],
    [1200, 'light'],
    [1200, 'dark'],
  ] as const)('fits %i pixels, readable in %s', async (width, scheme) => {
    const { page } = await open(summaryPage(WIDE), width, scheme);
    expect(await page.evaluate(overflows)).toEqual([]);
    expect(await page.evaluate(pageWidth)).toBe(width);
    expect(await page.evaluate(lowContrasts, 'main')).toEqual([]);
  });

  it('tells a screen reader what each table and graph is', async () => {
    const { page } = await open(summaryPage(SUMMARY));
    const tables = await page.locator('table').count();
    expect(tables).toBeGreaterThan(5);
    expect(await page.locator('table > caption').count()).toBe(tables);
    expect(await page.locator('thead th:not([scope=col]), tbody th:not([scope=row])').count()).toBe(0);
    const graphs = page.locator('svg:not([aria-hidden=true])');
    for (const graph of await graphs.all()) {
      expect(await graph.getAttribute('role')).toBe('img');
      expect(await graph.locator('> title').first().textContent()).toMatch(/\w/);
    }
    expect(await page.getByRole('img', { name: 'Throughput over time' }).count()).toBe(1);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(SUMMARY.name);
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
  });

  it('prints: all of it, dark on white also for a reader in the dark, nothing cut off', async () => {
    const { page } = await open(summaryPage(WIDE), 1200, 'dark');
    const pdf = await page.pdf({ format: 'A4', printBackground: false });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    const pages = inflated(pdf).match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
    expect(pages).toBeGreaterThan(3);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.evaluate(bodyColours)).toEqual(['rgb(255, 255, 255)', 'rgb(0, 0, 0)']);
    await page.setViewportSize({ width: 718, height: 1000 });
    expect(await page.evaluate(pageWidth)).toBe(718);
    expect(await page.evaluate(lowContrasts, 'main')).toEqual([]);
  });
});

/** The cells of the body of a table, by its caption. */
function rows(page: Page, caption: string): Promise<string[][]> {
  return cells(page.locator('table', { has: page.locator(`caption:text-is("${caption}")`) }).locator('tbody'));
}

async function cells(part: ReturnType<Page['locator']>): Promise<string[][]> {
  return part
    .locator('tr')
    .evaluateAll((all) =>
      all.map((row) =>
        [...row.children].filter((cell) => cell.className !== 'graph').map((cell) => cell.textContent ?? ''),
      ),
    );
}

/** A PDF with its compressed streams opened, as far as they can be. */
function inflated(pdf: Buffer): string {
  const text = pdf.toString('latin1');
  const streams = [...text.matchAll(/stream\r?\n([\s\S]*?)endstream/g)].map(([, body = '']) => {
    try {
      return inflateSync(Buffer.from(body, 'latin1')).toString('latin1');
    } catch {
      return '';
    }
  });
  return text + streams.join('\n');
}
