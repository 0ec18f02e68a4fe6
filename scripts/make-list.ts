import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

export interface GeneratedList {
  readonly rows: number;
  /** Another seed, another list; the same seed, the same bytes. */
  readonly seed?: number;
  /** The share of rows with an address that can't be sent to, 0 to 1. */
  readonly bad?: number;
  /** The share of rows that repeat the address of an earlier row, 0 to 1. */
  readonly duplicates?: number;
}

const FIRST = [
  'Ada',
  'Björn',
  'Chloé',
  'Dmitri',
  'Elif',
  'Farid',
  'Grace',
  'Hana',
  'Iñigo',
  'José',
  'Kofi',
  'Lea',
  'Mei',
  'Noor',
  'Ọlá',
  'Zoë',
];
const LAST = [
  'Adams',
  'Bauer',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'García',
  'Haddad',
  'Ito',
  "O'Neil",
  'Nguyễn',
  'Smith, Jr.',
  'Van "Rip" Winkle',
];
const DOMAINS = [
  'example.com',
  'example.net',
  'example.org',
  'mail.example.com',
  'post.example.net',
  'inbox.example.org',
  'bücher.example',
];
const CITIES = [
  'Accra',
  'Berlin',
  'Córdoba',
  'Delft',
  'Évora',
  'Freetown',
  'Graz',
  'Hà Nội',
  'Washington, DC',
  'København',
];
const PLANS = ['free', 'basic', 'pro', 'team'];
const BAD = [
  '',
  'nobody',
  '@example.com',
  'two@@example.com',
  'spaces in@example.com',
  'dot..dot@example.com',
  'user@-x.com',
  'user@exam_ple.com',
];

/** A CSV list `email,first_name,last_name,city,plan` as text, about 1,000 rows at a time. */
export function* generateList({ rows, seed = 1, bad = 0, duplicates = 0 }: GeneratedList): Generator<string> {
  const random = mulberry32(seed);
  const pick = (items: readonly string[]): string => items[Math.floor(random() * items.length)] ?? '';
  let text = 'email,first_name,last_name,city,plan\n';
  for (let row = 0; row < rows; row++) {
    const fate = random();
    const repeated = fate >= bad && fate < bad + duplicates && row > 0;
    const number = repeated ? Math.floor(random() * row) : row;
    // Everything in an address comes from its number, so that a repeated number is a repeated address.
    const address = `user${number}.${(number * 2654435761) % 9973}@${DOMAINS[number % DOMAINS.length]}`;
    const email = fate < bad ? pick(BAD) : address;
    text += `${email},${pick(FIRST)},${quoted(pick(LAST))},${quoted(pick(CITIES))},${pick(PLANS)}\n`;
    if (row % 1000 === 999) {
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}

function quoted(cell: string): string {
  return /[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** A small seeded generator of numbers from 0 to 1 (Tommy Ettinger's mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** `1%` or `0.01`. */
function share(text: string, name: string): number {
  const value = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (value >= 0 && value <= 1) return value;
  throw new RangeError(`--${name} is ${text}; a share from 0% to 100% is allowed`);
}

function whole(text: string, name: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new RangeError(`--${name} is ${text}; a whole number is allowed`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      bad: { type: 'string', default: '0%' },
      duplicates: { type: 'string', default: '0%' },
      out: { type: 'string' },
    },
  });
  const list = generateList({
    rows: whole(values.rows, 'rows'),
    seed: whole(values.seed, 'seed'),
    bad: share(values.bad, 'bad'),
    duplicates: share(values.duplicates, 'duplicates'),
  });
  const out = values.out === undefined ? process.stdout : createWriteStream(values.out);
  for (const text of list) {
    if (!out.write(text)) await once(out, 'drain');
  }
  if (out !== process.stdout) {
    out.end();
    await once(out, 'finish');
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
