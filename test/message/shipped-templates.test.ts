import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ROW, SCREENS, TEMPLATES, TEMPLATES_FOLDER } from '../../scripts/pictures/pictures.js';
import { contentFindings } from '../../src/cli/check/content-checks.js';
import { loadTemplate } from '../../src/message/load-template.js';
import { compileTemplate } from '../../src/message/template.js';
import { lowContrasts, overflows, pageWidth } from '../report/in-page.mjs';
import { findChromium, NO_CHROMIUM, startChromium } from '../support/chromium.js';

const CHROMIUM = findChromium();
if (CHROMIUM === null) process.stderr.write(`The shipped templates in a browser are ${NO_CHROMIUM}\n`);

async function htmlOf(name: string, row: Readonly<Record<string, string>> = ROW): Promise<string> {
  const { html } = compileTemplate(await loadTemplate(name, TEMPLATES_FOLDER)).render(row);
  return html ?? '';
}

describe.each(TEMPLATES)('the shipped %s', (name) => {
  it('has HTML that check finds nothing wrong with, and lines that need no encoding', async () => {
    const html = await htmlOf(name);
    expect(html).toMatch(/^<!doctype html>\n/);
    expect(contentFindings(html)).toEqual([]);
    expect(Math.max(...html.split('\n').map((line) => line.length))).toBeLessThan(900);
  });

  describe.skipIf(CHROMIUM === null)(`in Chromium${CHROMIUM === null ? `, ${NO_CHROMIUM}` : ''}`, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await startChromium(CHROMIUM ?? '');
    });
    afterAll(() => browser.close());

    async function open(html: string, width: number, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
      const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
      onTestFinished(() => page.close());
      await page.setContent(html);
      return page;
    }

    it.each(Object.entries({ ...SCREENS, small: 320 }))(
      'fits on a %s screen and can be read, light and dark',
      async (_, width) => {
        for (const scheme of ['light', 'dark'] as const) {
          const page = await open(await htmlOf(name, { ...ROW, city: 'Llanfairpwllgwyngyll' }), width, scheme);
          expect(await page.evaluate(pageWidth)).toBe(width);
          expect(await page.evaluate(overflows)).toEqual([]);
          expect(await page.evaluate(lowContrasts, 'body')).toEqual([]);
        }
      },
    );

    it('stands in one column on a phone, its button as wide as the text', async () => {
      const page = await open(await htmlOf(name), SCREENS.phone);
      const lefts = await page
        .locator('h1, h2')
        .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().left));
      expect(new Set(lefts).size).toBe(1);
      const [button, text] = await Promise.all(['a.button', 'h1'].map((one) => page.locator(one).boundingBox()));
      expect(button?.width).toBe(text?.width);
    });

    it('looks the same where a mail program takes away all <style>', async () => {
      const html = await htmlOf(name);
      const bare = html.replaceAll(/<style[\s\S]*?<\/style>/g, '');
      expect(bare).not.toBe(html);
      const looks = await Promise.all(
        [html, bare].map(async (one) => (await open(one, SCREENS.desktop)).evaluate(appearance)),
      );
      expect(looks[0]?.length).toBeGreaterThan(20);
      expect(looks[1]).toEqual(looks[0]);
    });
  });
});

/** Of each element of the body: where it is, its colours and its font. Runs in the page. */
function appearance(): string[] {
  return [...document.querySelectorAll('body *')].map((one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    const { color, backgroundColor, font, textDecorationLine } = getComputedStyle(one);
    return [one.tagName, x, y, width, height, color, backgroundColor, font, textDecorationLine].join(' ');
  });
}
