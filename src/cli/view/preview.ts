import type { Recipient } from '../../domain/recipient.js';
import { count, printable } from '../../report/format.js';
import { lineOf, type Style } from './format.js';

/** A composed message and what it was made of. */
export interface Previewed {
  readonly recipient: Recipient;
  readonly from: string;
  readonly replyTo: string | null;
  readonly subject: string;
  readonly html: string | null;
  readonly text: string | null;
  /** RFC 5322. */
  readonly content: Buffer;
}

/** Moves the cursor or reorders text; tabs are kept. */
const UNSAFE = /[^\P{Cc}\t]|[\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu;

/** Subject, headers and text for a terminal; long lines are left to it, so that they can be copied whole. */
export function previewLines({ recipient, subject, content, html, text }: Previewed, style: Style): string[] {
  const heading = (title: string) => lineOf([['bold', title]], style);
  const parts = [text === null ? [] : 'text', html === null ? [] : 'HTML'].flat().join(' and ');
  return [
    `${heading('Subject')}  ${printable(subject)}`,
    `${heading('To')}       ${recipient.address}, line ${recipient.line} of the list`,
    `${heading('Size')}     ${count(content.length)} bytes: ${parts}`,
    '',
    heading('Headers'),
    ...headerLines(content),
    '',
    heading(text === null ? 'HTML' : 'Text'),
    ...safeLines(text ?? html ?? ''),
  ];
}

/** The headers as they go out, in ASCII and folded. */
function headerLines(content: Buffer): string[] {
  return safeLines(content.toString('latin1', 0, content.indexOf('\r\n\r\n')));
}

function safeLines(text: string): string[] {
  return text
    .trimEnd()
    .split(/\r\n?|\n/)
    .map((line) => line.replace(UNSAFE, ' '));
}
