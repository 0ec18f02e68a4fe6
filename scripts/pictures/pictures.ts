import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const TEMPLATES_FOLDER = join(ROOT, 'templates');
export const PICTURES_FOLDER = join(ROOT, 'docs/pictures');
/** Says what the pictures were made of: a digest by the name of the template. */
export const MADE_OF = join(PICTURES_FOLDER, 'templates.json');

export const TEMPLATES = ['newsletter', 'notice'] as const;
/** Where the pictures show a message: CSS pixels wide. */
export const SCREENS = { phone: 375, desktop: 800 } as const;
/** Pixels of a picture for one of CSS. */
export const SCALE = 2;
/** Files of a template that have no part in its HTML. */
const UNSEEN = /^subject\.hbs$|(?:^|\.)text\.hbs$/;
/** Whose message they show. */
export const ROW = { first_name: 'Ada', city: 'Lisbon', plan: 'Plus' } as const;

export interface Picture {
  readonly file: string;
  readonly template: (typeof TEMPLATES)[number];
  readonly width: number;
  readonly scheme: 'light' | 'dark';
}

export const PICTURES: readonly Picture[] = TEMPLATES.flatMap((template) =>
  Object.entries(SCREENS).flatMap(([screen, width]) =>
    (['light', 'dark'] as const).map((scheme) => {
      return { file: `${template}-${screen}-${scheme}.webp`, template, width, scheme };
    }),
  ),
);

/** SHA-256 of all that a picture of a template depends on, but for the browser: its files, the shared ones, and the row. */
export function digestOf(template: string): string {
  const hash = createHash('sha256').update(JSON.stringify(ROW));
  for (const folder of [template, 'partials']) {
    const files = readdirSync(join(TEMPLATES_FOLDER, folder), { recursive: true, withFileTypes: true });
    const paths = files
      .filter((entry) => entry.isFile() && !UNSEEN.test(entry.name))
      .map(({ parentPath, name }) => join(parentPath, name));
    for (const path of paths.sort())
      hash.update(`\0${path.slice(TEMPLATES_FOLDER.length)}\0`).update(readFileSync(path));
  }
  return hash.digest('hex');
}
