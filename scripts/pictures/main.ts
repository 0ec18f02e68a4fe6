// Makes the pictures of the templates that come along, for the docs: npm run pictures. Needs a Chromium on the PATH.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { loadTemplate } from '../../src/message/load-template.js';
import { compileTemplate } from '../../src/message/template.js';
import { findChromium, startChromium } from '../../test/support/chromium.js';
import {
  digestOf,
  MADE_OF,
  PICTURES,
  PICTURES_FOLDER,
  type Picture,
  ROW,
  SCALE,
  TEMPLATES,
  TEMPLATES_FOLDER,
} from './pictures.js';

/** Of 100: above that, a picture grows and looks the same. */
const QUALITY = 80;

const chromium = findChromium();
if (chromium === null) throw new Error('there is no Chromium on the PATH (Debian: apt-get install chromium)');
const browser = await startChromium(chromium);
try {
  for (const picture of PICTURES) {
    const bytes = await draw(picture, browser);
    writeFileSync(join(PICTURES_FOLDER, picture.file), bytes);
    process.stdout.write(`${picture.file}: ${bytes.length} bytes\n`);
  }
} finally {
  await browser.close();
}
const digests = Object.fromEntries(TEMPLATES.map((name) => [name, digestOf(name)]));
writeFileSync(MADE_OF, `${JSON.stringify(digests, null, 2)}\n`);

async function draw({ template, width, scheme }: Picture, browser: Browser): Promise<Buffer> {
  const { html } = compileTemplate(await loadTemplate(template, TEMPLATES_FOLDER)).render(ROW);
  const page = await browser.newPage({ viewport: { width, height: 100 }, colorScheme: scheme });
  await page.setContent(html ?? '');
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  // Playwright's own screenshots are PNG or JPEG: several times as large.
  const session = await page.context().newCDPSession(page);
  const size = { width, height, deviceScaleFactor: SCALE, mobile: false };
  await session.send('Emulation.setDeviceMetricsOverride', size);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  await page.close();
  return Buffer.from(data, 'base64');
}
