import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chart } from './chart.js';
import { parseReport, type Report } from './report.js';
import { markdownTable } from './table.js';

/** Writes NAME.json, NAME.md and NAME.svg. */
export function saveReport(report: Report, name: string): void {
  mkdirSync(dirname(name), { recursive: true });
  writeFileSync(`${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${name}.md`, markdownTable(report));
  writeFileSync(`${name}.svg`, chart(report));
}

/** Throws RangeError where the file holds no report. */
export function loadReport(path: string): Report {
  try {
    return parseReport(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new RangeError(`--compare ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
