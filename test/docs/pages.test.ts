import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { STATE_NAMES, STATES } from '../../src/domain/state.js';
import { INSTALL_HINT } from '../../src/redis/find-server.js';
import {
  campaignKeys,
  chunkKeys,
  QUEUE_PREFIX,
  SUPPRESSION_LIST,
  SUPPRESSION_TOPICS,
  stagingKeys,
} from '../../src/redis/keys.js';
import { codes, PAGES, page, prose, ROOT, section, table } from './markdown.js';

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

function anchorsOf(text: string): string[] {
  return [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

describe.each(PAGES)('%s', (path) => {
  const text = page(path);

  it('links only to files and headings that there are', () => {
    const links = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const broken = links.filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('names no folder of a single machine', () => {
    expect(text.match(/(?:^|[\s`'"(=])(?:\/(?:home|root|tmp|work|Users|var|opt|mnt)\/|[A-Z]:\\)\S*/gm)).toBeNull();
  });

  it('names only sources, tests and scripts that there are', () => {
    const named = codes(prose(text)).filter((word) => /^[\w./-]+\/[\w.-]+\.(ts|mjs|lua)$/.test(word));
    const missing = named.filter((file) => !existsSync(join(ROOT, file)) && !existsSync(join(ROOT, 'src', file)));
    expect(missing).toEqual([]);
  });
});

describe('the design', () => {
  const design = page('docs/design.md');

  it('has every script of the ledger, and no other', () => {
    const files = readdirSync(join(ROOT, 'src/redis/ledger'))
      .filter((file) => file.endsWith('.lua') && file !== 'shared.lua')
      .map((file) => file.replace('.lua', ''));
    const [, rest = ''] = section(design, '## The ledger').split('**Scripts**');
    const shown = table(rest).map(([name]) => codes(name ?? '')[0]);
    expect(shown.sort()).toEqual(files.sort());
  });

  it('has every script of the suppression list, and no other', () => {
    const files = readdirSync(join(ROOT, 'src/redis/suppression')).filter((file) => /^(?!shared).*\.lua$/.test(file));
    const shown = table(section(design, '## The suppression list')).flatMap(([name]) => codes(name ?? ''));
    expect(shown.sort()).toEqual(files.map((file) => file.replace('.lua', '')).sort());
  });

  /** A key that a digest ends, without it. */
  const withoutLast = (key: string | ((digest: string) => string)) =>
    typeof key === 'string' ? key : key('').slice(0, -1);

  it('has every key', () => {
    const shown = codes(table(section(design, '## The ledger')).join(' ')).join(' ');
    const names = [campaignKeys('i'), stagingKeys('i', 'n'), chunkKeys('i', 'n', 0)].flatMap((keys) =>
      Object.entries(keys).flatMap(([name, key]) => (name === 'prefix' ? [] : [withoutLast(key)])),
    );
    expect(names.length).toBeGreaterThan(10);
    for (const key of names) expect(shown).toContain(`:${key.replace(/:0$/, '').split(':').at(-1)}`);
    for (const key of [QUEUE_PREFIX, SUPPRESSION_LIST, SUPPRESSION_TOPICS]) expect(shown).toContain(key);
  });

  it('has the byte of every state', () => {
    for (const name of STATE_NAMES) {
      const words = name === 'inflight' ? 'in\\s+flight' : name;
      expect(design).toMatch(new RegExp(`\`${STATES[name].byte}\`\\s+${words}`));
    }
  });
});

describe('compose.yaml', () => {
  const compose = readFileSync(join(ROOT, 'compose.yaml'), 'utf8');

  it('opens its ports on this machine only', () => {
    const ports = [...compose.matchAll(/^\s+- "([^"]*\d+:\d+)"/gm)].map(([, port]) => port);
    expect(ports).toHaveLength(5);
    expect(ports.filter((port) => !port?.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('has the service that the hint for a missing Redis names', () => {
    expect(INSTALL_HINT).toContain('docker compose up -d redis');
    expect(compose).toMatch(/^ {2}redis:$/m);
  });
});
