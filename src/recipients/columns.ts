import { FanmailError } from '../domain/errors.js';
import type { Column } from '../domain/recipient.js';

/** What address columns are usually called, the surest first; compared without case, accents, spaces, `-`, `_`, `.` */
const USUAL: readonly string[] = [
  'email',
  'emailaddress',
  'mail',
  'mailaddress',
  'emailadresse',
  'mailadresse',
  'correoelectronico',
  'correo',
  'courriel',
  'adresseemail',
  'adressemail',
  'adresseelectronique',
  'adressecourriel',
  'direccionemail',
  'address',
];

/** `First Name` becomes `First_Name`, `2nd` becomes `_2nd`; letters and digits of every script stay. */
export function variableOf(title: string): string {
  const name = title.trim().replace(/[^\p{L}\p{M}\p{N}_]/gu, '_');
  return /^\p{N}/u.test(name) ? `_${name}` : name;
}

/**
 * The columns of a list by their titles. Throws LIST_SYNTAX for one without a name and for two that a template could
 * not tell apart.
 */
export function columnsOf(titles: readonly string[], source: string): Column[] {
  const taken = new Map<string, { title: string; number: number }>();
  return titles.map((written, index) => {
    const title = written.trim();
    const number = index + 1;
    if (title === '') {
      throw new FanmailError('LIST_SYNTAX', `Column ${number} of ${source} has no name.`, {
        hint: 'Name it in the first line, or remove the column.',
      });
    }
    const variable = variableOf(title);
    const other = taken.get(variable);
    if (other) {
      const both = `Columns ${other.number} (${shown(other.title)}) and ${number} (${shown(title)}) of ${source}`;
      throw new FanmailError('LIST_SYNTAX', `${both} both give the variable ${shown(variable)}.`, {
        hint: 'Rename one of them.',
      });
    }
    taken.set(variable, { title, number });
    return { title, variable };
  });
}

export function isUsualAddressTitle(title: string): boolean {
  return rank(title) < USUAL.length;
}

/**
 * The column that holds the addresses: the one that `wanted` names by title or variable, in any case, or else the one
 * with a usual name. Throws LIST_NO_ADDRESS_COLUMN where there is none, or more than one equally likely.
 */
export function addressColumn(columns: readonly Column[], wanted: string | undefined, source: string): Column {
  const found = wanted === undefined ? likeliest(columns) : named(columns, wanted);
  const [only, ...others] = found;
  if (only && others.length === 0) return only;
  const names = `${columns
    .slice(0, 30)
    .map((column) => shown(column.title))
    .join(', ')}${columns.length > 30 ? ', …' : ''}`;
  const trouble = only
    ? `${source} has ${found.length} columns that could hold the addresses: ${found.map((column) => shown(column.title)).join(', ')}.`
    : `${source} has no column ${wanted === undefined ? 'with a usual name for addresses' : shown(wanted)}; its columns are ${names}.`;
  throw new FanmailError('LIST_NO_ADDRESS_COLUMN', trouble, { hint: 'Name the column with --email-column.' });
}

function named(columns: readonly Column[], wanted: string): Column[] {
  const exact = columns.filter((column) => column.title === wanted.trim());
  if (exact.length > 0) return exact;
  const folded = wanted.trim().toLowerCase();
  return columns.filter((c) => c.title.toLowerCase() === folded || c.variable.toLowerCase() === folded);
}

function likeliest(columns: readonly Column[]): Column[] {
  const best = columns.reduce((least, column) => Math.min(least, rank(column.title)), USUAL.length - 1);
  return columns.filter((column) => rank(column.title) === best);
}

/** The title's place in USUAL; beyond its end for any other title. */
function rank(title: string): number {
  const plain = title
    .normalize('NFKD')
    .replace(/[\p{M}\s._-]/gu, '')
    .toLowerCase();
  const index = USUAL.indexOf(plain);
  return index === -1 ? USUAL.length : index;
}

/** A name from a list as a message may show it: quoted, short, nothing that a terminal would obey. */
export function shown(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(short).replace(/[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, '?');
}
