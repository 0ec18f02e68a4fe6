import type { Cleanup } from './cleanup.js';
import type { Measured } from './report.js';
import type { Postfix } from './sink.js';

/** What a row is given to measure with. */
export interface Bench {
  readonly full: boolean;
  /** Null: the row's own number for this mode. */
  readonly rounds: number | null;
  readonly minutes: number;
  /** A temporary folder. */
  readonly folder: string;
  readonly postfix: Postfix;
  readonly cleanup: Cleanup;
  /** Tells a person how far it is. */
  say(text: string): void;
}

/** Something that a row needs is not there; the message says what. */
export class CannotMeasure extends Error {}

export interface RowDefinition {
  readonly name: string;
  readonly what: string;
  /** Throws CannotMeasure; any other error is a failure of what is measured. */
  measure(bench: Bench): Promise<Omit<Measured, 'kind'>>;
}

/** One after the other in each round, in turned order in every other one, so that neither always has the warmer machine. */
export async function alternate(
  bench: Pick<Bench, 'say'>,
  name: string,
  rounds: number,
  contenders: readonly (() => Promise<void>)[],
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    bench.say(`${name}: round ${round} of ${rounds}`);
    const order = round % 2 === 1 ? contenders : [...contenders].reverse();
    for (const contender of order) await contender();
  }
}
