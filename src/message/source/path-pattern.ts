import { dirname, join, sep } from 'node:path';
import type { Recipient } from '../../domain/recipient.js';
import { attachmentError } from './carried-file.js';

/** `{{id}}`; as a template writes it, but for helpers and blocks. */
const VARIABLE = /\{\{\s*([^{}\s]+)\s*\}\}/;
/** What Handlebars would take for something else than a variable. */
const NO_NAME = /^[#/^>!&~]|[().[\]"'=|]/;

/** A path with variables of the recipient in it, such as `invoices/{{id}}.pdf`. */
export interface PathPattern {
  /** As it was given. */
  readonly text: string;
  /** What comes before the first variable, up to its last slash: no recipient's path leads out of it. */
  readonly folder: string;
  /** Each once. */
  readonly variables: readonly string[];
  /** Throws ATTACHMENT_INVALID for a value that makes no path, naming the line and the variable. */
  pathFor(recipient: Recipient): string;
}

export function isPathPattern(path: string): boolean {
  return path.includes('{{');
}

/** Throws ATTACHMENT_INVALID where something else than variables stands in braces. */
export function parsePathPattern(text: string): PathPattern {
  // Every second one is a variable.
  const pieces = text.split(VARIABLE);
  const variables = pieces.filter((_, n) => n % 2 === 1);
  const strange = pieces.find((piece, n) => (n % 2 === 1 ? NO_NAME.test(piece) : /\{\{|\}\}/.test(piece)));
  if (strange !== undefined || variables.length === 0) {
    const hint = 'Allowed are variables alone, as in invoices/{{id}}.pdf.';
    throw attachmentError(`--attach can't be ${JSON.stringify(text)}: ${strange ?? text} is no variable`, hint);
  }
  const before = pieces[0] ?? '';
  return {
    text,
    folder: before.endsWith(sep) ? before : dirname(`${before}x`),
    variables: [...new Set(variables)],
    pathFor: (recipient) =>
      join(pieces.map((piece, n) => (n % 2 === 1 ? partOf(recipient, piece, text) : piece)).join('')),
  };
}

function partOf({ line, address, variables }: Recipient, name: string, pattern: string): string {
  const value = variables[name];
  const part = typeof value === 'number' ? String(value) : value;
  if (typeof part === 'string' && part.trim() !== '' && !part.includes('\0')) return part;
  const what = part === undefined ? 'nothing' : JSON.stringify(part).slice(0, 100);
  throw attachmentError(
    `line ${line} (${address}) has ${what} as "${name}", of which ${pattern} makes a path`,
    'Give every row a text or a number there, or leave the rows out that have no file.',
  );
}
