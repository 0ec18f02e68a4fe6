import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url);
const page = readFileSync(new URL('SECURITY.md', ROOT), 'utf8');
const named = [...page.matchAll(/`(test\/[\w/.-]+\.test\.ts)`: "([^"]+)"/g)].map(([, file = '', title = '']) => ({
  file,
  title,
}));

describe('SECURITY.md', () => {
  it('names a test for each row of its defences', () => {
    const rows = page.slice(page.indexOf('## Defences'), page.indexOf('## Not defended')).split('\n');
    const without = rows.filter(
      (row) => row.startsWith('| ') && !row.startsWith('| threat') && !/"[^"]+" \|$/.test(row),
    );
    expect(without).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });

  it.each(named)('$file has "$title"', ({ file, title }) => {
    const url = new URL(file, ROOT);
    expect(existsSync(url)).toBe(true);
    expect(readFileSync(url, 'utf8')).toContain(title);
  });
});
