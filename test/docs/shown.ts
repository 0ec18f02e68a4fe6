/**
 * What differs from run to run, in the order in which it is replaced. What is left of a line has to be the same in the page and
 * in the output.
 */
const CHANGES: readonly (readonly [found: RegExp, put: string])[] = [
  // A bar is drawn on a terminal only.
  [/^\[#*[^\]#]*\] +/, ''],
  [/\b\d{8}-\d{6}-[0-9a-f]{6}\b/g, 'ID'],
  [/<[\w-]{22}@/g, '<ID@'],
  [/=_[\w-]{22}/g, '=_ID'],
  [/\b[0-9a-f]{12,}\b/g, 'HASH'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/g, 'TIME'],
  [/\b[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, 'TIME'],
  [/\bjust now\b|\b\d+ (?:s|min|h) ago\b/g, 'AGO'],
  [/\bby \S+ AGO/g, 'by WHOM AGO'],
  [/\b\d+(?:\.\d+)? (?:ms|s|min)\b/g, 'DURATION'],
  [/\b\d+(?:[.,]\d+)*\/s\b/g, 'RATE'],
  // As many as there are cores.
  [/\b\d+ connected, \d+ connections/g, 'CONNECTED'],
  [/\s+/g, ' '],
];

function plain(line: string): string {
  return CHANGES.reduce((text, [found, put]) => text.replace(found, put), line).trim();
}

/**
 * The lines that a page shows and a command did not print, in this order. `…` stands for anything within a line, and alone
 * on a line for any lines; a page may leave out lines, but add none.
 */
export function missingLines(shown: string, printed: string): string[] {
  const real = printed.split('\n').map(plain);
  const missing: string[] = [];
  let from = 0;
  for (const line of shown.split('\n')) {
    if (line.trim() === '' || line.trim() === '…') continue;
    const pattern = new RegExp(`^${plain(line).split('…').map(quoted).join('.*')}$`);
    const at = real.findIndex((candidate, i) => i >= from && pattern.test(candidate));
    if (at < 0) missing.push(line);
    else from = at + 1;
  }
  return missing;
}

function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
