import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf, MADE_OF, PICTURES, PICTURES_FOLDER, SCALE, TEMPLATES } from '../../scripts/pictures/pictures.js';
import { page } from './markdown.js';

const LARGEST = 200_000;
const AGAIN = 'the templates have changed since the pictures were made: npm run pictures';

describe('the pictures of the templates', () => {
  it('are of the templates as they are', () => {
    const current = Object.fromEntries(TEMPLATES.map((name) => [name, digestOf(name)]));
    expect(JSON.parse(readFileSync(MADE_OF, 'utf8')), AGAIN).toEqual(current);
  });

  it('are all there, and no others', () => {
    const there = readdirSync(PICTURES_FOLDER).filter((file) => file.endsWith('.webp'));
    expect(there.sort()).toEqual(PICTURES.map(({ file }) => file).sort());
  });

  it.each(PICTURES)(
    '$file is small, as wide as its screen, and shown on the page about templates',
    ({ file, width }) => {
      const bytes = readFileSync(join(PICTURES_FOLDER, file));
      expect(bytes.length).toBeLessThan(LARGEST);
      expect(widthOf(bytes)).toBe(width * SCALE);
      expect(page('docs/how-to/templates.md')).toContain(`src="../pictures/${file}"`);
    },
  );
});

/** Of a WebP file in the extended format (RFC 9649 2.7), which Chromium writes. */
function widthOf(bytes: Buffer): number {
  expect(bytes.toString('latin1', 8, 16)).toBe('WEBPVP8X');
  return bytes.readUIntLE(24, 3) + 1;
}
