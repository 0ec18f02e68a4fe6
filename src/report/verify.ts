import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Campaign, Standing } from '../domain/campaign.js';
import { FanmailError } from '../domain/errors.js';
import { LATE_SENT } from '../domain/record.js';
import { isFinal, STATE_NAMES, sum } from '../domain/state.js';
import type { ResultSource } from '../pipeline/ports.js';
import { Figures } from './figures.js';
import { count } from './format.js';
import { resultsCsv } from './results-csv.js';
import { resultNames } from './summary-text.js';

/** One thing that was looked at; `holds` is null where it could not be. */
export interface Check {
  readonly name: 'ledger' | 'balance' | 'final' | 'chunks' | 'history' | 'results';
  readonly holds: boolean | null;
  /** What was proved, or what is wrong. */
  readonly detail: string;
}

export interface VerifyInput {
  readonly campaign: Campaign;
  readonly source: ResultSource;
  /** Chunks of this round that are not marked finished. */
  readonly unfinished: readonly number[];
  /** The folder that should hold the results on this machine; null where none was written yet. */
  readonly resultsDir: string | null;
}

/** How counters and a recount of the ledger differ, in words; empty where they balance and make up the sealed total. */
export function imbalances({ counters, total }: Standing, { states }: Figures): string[] {
  const differing = STATE_NAMES.filter((name) => states[name] !== counters[name]).map(
    (name) => `${name} is counted ${counters[name]} and found ${states[name]}`,
  );
  const found = sum(states);
  return found === total ? differing : [...differing, `the total is ${total} and found ${found}`];
}

/** Recounts the ledger, once, as a stream, and holds counters, chunks and the results file against it. */
export async function verify(input: VerifyInput): Promise<readonly Check[]> {
  const { campaign, source, unfinished } = input;
  const figures = new Figures();
  const file = resultsFile(input);
  // A late word that came after the file was written is no difference: the state stays.
  const lines = resultsCsv(campaign, { ...source, late: [] }, figures);
  let results: Check;
  try {
    results = await compare(file, lines);
  } catch (error) {
    if (!(error instanceof FanmailError)) throw error;
    return [{ name: 'ledger', holds: false, detail: error.message }];
  }
  const rest = [final(figures, campaign), chunks(campaign, unfinished), history(campaign), results];
  return [balance(source.standing, figures), ...rest];
}

function balance(standing: Standing, figures: Figures): Check {
  const wrong = imbalances(standing, figures);
  const right = `${count(standing.total)} recipients, each counted in one state; counters and recount agree`;
  return { name: 'balance', holds: wrong.length === 0, detail: wrong.length === 0 ? right : wrong.join('; ') };
}

function final({ states }: Figures, { phase }: Campaign): Check {
  const open = STATE_NAMES.filter((name) => !isFinal(name) && states[name] > 0);
  const words = open.map((name) => `${count(states[name])} ${name}`).join(', ');
  if (open.length === 0) return { name: 'final', holds: true, detail: 'every recipient is in a final state' };
  if (phase === 'completed' || phase === 'cancelled' || phase === 'aggregating') {
    return { name: 'final', holds: false, detail: `the campaign is ${phase} with ${words}` };
  }
  return { name: 'final', holds: null, detail: `the campaign is ${phase}: ${words}` };
}

function chunks({ totals, phase }: Campaign, unfinished: readonly number[]): Check {
  const all = totals?.chunks ?? 0;
  const ended = phase === 'completed' || phase === 'cancelled' || phase === 'aggregating';
  const finished = `${count(all - unfinished.length)} of ${count(all)} chunks are finished, and all are there`;
  if (unfinished.length === 0 || !ended) return { name: 'chunks', holds: true, detail: finished };
  return { name: 'chunks', holds: false, detail: `${finished}; open are ${unfinished.slice(0, 10).join(', ')}` };
}

function history({ forgotten }: Campaign): Check {
  if (forgotten === 0) return { name: 'history', holds: true, detail: 'no worker saw Redis forget an outcome' };
  const detail = `Redis forgot at least ${count(forgotten)} outcomes that it had acknowledged: as many may get a second copy`;
  return { name: 'history', holds: false, detail };
}

function resultsFile({ campaign, resultsDir }: VerifyInput): string | null {
  const path = resultsDir === null ? null : join(resultsDir, resultNames(campaign.round).results);
  return path !== null && existsSync(path) ? path : null;
}

/** Reads the ledger's lines to the end, in any case, since they are counted on the way. */
async function compare(path: string | null, pieces: AsyncIterable<string>): Promise<Check> {
  const written = path === null ? null : createInterface({ input: createReadStream(path) })[Symbol.asyncIterator]();
  let line = 0;
  let wrong: string | null = null;
  for await (const piece of pieces) {
    if (written === null) continue;
    for (const expected of piece.split('\n').slice(0, -1)) {
      line += 1;
      const { value, done } = await written.next();
      if (wrong === null && !isSame(done === true ? null : value, expected)) {
        wrong = `line ${line} of ${path} is not what the ledger says: ${expected}`;
      }
    }
  }
  if (path === null || written === null) {
    return {
      name: 'results',
      holds: null,
      detail: 'no results file is on this machine; fanmail report --out writes one',
    };
  }
  if (wrong === null && (await written.next()).done !== true)
    wrong = `${path} has more lines than the ledger recipients`;
  const right = `all ${count(line - 1)} lines of ${path} are what the ledger says`;
  return { name: 'results', holds: wrong === null, detail: wrong ?? right };
}

function isSame(written: string | null, expected: string): boolean {
  if (written === null) return false;
  const late = written.indexOf(`,${LATE_SENT},`);
  return written === expected || (late > 0 && expected.startsWith(written.slice(0, late + 1)));
}
