import { styleText } from 'node:util';
import { clip, columnsOf, duration, wrap } from '../../report/format.js';

/** The place where something is shown. */
export interface Style {
  /** Columns of the terminal; no line is longer. */
  readonly width: number;
  readonly color: boolean;
  /** Whether a bar is drawn; in a file or a pipe it is noise. */
  readonly bars: boolean;
}

export type Paint = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** A piece of a line: text as it is, or painted. */
export type Piece = string | readonly [paint: Paint, text: string];

/** One line of pieces, cut at the style's width; escape sequences take no columns. */
export function lineOf(pieces: readonly Piece[], { width, color }: Style): string {
  let left = width;
  let line = '';
  for (const piece of pieces) {
    const [paint, text] = typeof piece === 'string' ? [null, piece] : piece;
    const shown = clip(text, left);
    if (shown === '') continue;
    left -= columnsOf(shown);
    // What the terminal can do was decided by the caller; newer versions of Node would ask standard output.
    line += paint && color ? styleText(paint, shown, { validateStream: false }) : shown;
    if (shown !== text) break;
  }
  return line;
}

/** A bar of `width` columns, `share` (0 to 1) of it filled; full only at 1. */
export function bar(share: number, width: number): string {
  const inside = Math.max(1, width - 2);
  const filled = Math.floor(Math.min(1, Math.max(0, share)) * inside);
  return `[${'#'.repeat(filled)}${'-'.repeat(inside - filled)}]`;
}

/** How long ago in its largest unit: `just now`, `42 s ago`, `3 min ago`, `5 h ago`, `12 d ago`. */
export function ago(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 5) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** The columns of a label. */
export const LABEL = 10;
const ENTRY_LINES = 3;

/** A label and a text beside it, in as many lines as it takes up to three; the last one is cut. */
export function entry(label: string, text: string, { width }: Style, paint?: Paint): Piece[][] {
  const lines = wrap(text, width - LABEL - 1);
  const shown =
    lines.length > ENTRY_LINES ? [...lines.slice(0, ENTRY_LINES - 1), lines.slice(ENTRY_LINES - 1).join(' ')] : lines;
  return shown.map((line, i) => {
    const name = i === 0 ? label : '';
    return [paint ? [paint, name] : name, ' '.repeat(LABEL + 1 - name.length), line];
  });
}

/** When something is due. */
export function until(ms: number): string {
  return ms <= 0 ? 'now' : `in ${duration(ms)}`;
}
