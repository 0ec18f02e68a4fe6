import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const ARGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];

/** The Chromium of this machine; null where there is none on the PATH. */
export function findChromium(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((file) => existsSync(file)) ?? null;
}

export const NO_CHROMIUM = 'skipped: there is no Chromium on the PATH (Debian: apt-get install chromium)';

export function startChromium(file: string): Promise<Browser> {
  return chromium.launch({ executablePath: file, args: ARGS });
}
