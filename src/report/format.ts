/** What moves the cursor, hides or reorders text: controls, line separators, lone surrogates, bidirectional marks. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu;
/** Takes two columns of a terminal (roughly Unicode's East Asian Width W and F). */
const WIDE =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u;
/** Combining marks and joiners. */
const NO_COLUMN = /[\p{M}\p{Cf}]/u;
const NARROW = /^[\x20-\x7E]*$/;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Text of a stranger as one line that is safe on a terminal: what is unprintable becomes a space, runs of them one. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, ' ').replace(/\s+/g, ' ').trim();
}

/** The same for a text of several lines, which keep their number and their columns. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(UNPRINTABLE, ' '))
    .join('\n');
}

/** `12,345`, whole numbers only. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** The share of `part` in `whole` with one decimal; never 0.0% for something nor 100.0% for less than all. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '0.0%';
  const share = (100 * part) / whole;
  if (part > 0 && share < 0.1) return '<0.1%';
  if (part < whole && share > 99.9) return '>99.9%';
  return `${share.toFixed(1)}%`;
}

/** A time span in its two largest units: `350 ms`, `42 s`, `3 min 12 s`, `2 h 05 min`, `5 d 03 h`. */
export function duration(ms: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${two((ms % MINUTE) / SECOND)} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${two((ms % HOUR) / MINUTE)} min`;
  return `${Math.floor(ms / DAY)} d ${two((ms % DAY) / HOUR)} h`;
}

/** How long an answer took: `4.3 ms`, `81 ms`, `1.9 s`, `2 min 05 s`. */
export function latency(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < SECOND || ms >= MINUTE ? duration(ms) : `${(ms / SECOND).toFixed(1)} s`;
}

/** `812/s`, with a decimal below 10. */
export function perSecond(rate: number): string {
  return `${rate > 0 && rate < 10 ? rate.toFixed(1) : count(rate)}/s`;
}

/** The columns that a text takes on a terminal, or near enough. */
export function columnsOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += columnsOfOne(character);
  return columns;
}

function columnsOfOne(character: string): number {
  if (NARROW.test(character)) return 1;
  if (NO_COLUMN.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** The text in at most `width` columns, `...` at its end where something is missing. */
export function clip(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  const mark = '.'.repeat(Math.min(3, Math.max(0, width)));
  let left = width - mark.length;
  let kept = '';
  for (const character of text) {
    left -= columnsOfOne(character);
    if (left < 0) break;
    kept += character;
  }
  return kept + mark;
}

/** The text with spaces behind it up to `width` columns. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columnsOf(text)));
}

/** The text in lines of at most `width` columns, broken at spaces; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && columnsOf(line) + 1 + columnsOf(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
