import type { People } from './people.js';
import type { Fault } from './scenario.js';

/** What became of everybody, counted from results and record. */
export interface RehearsalFigures {
  readonly states: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<Fault, number>>;
  /** Messages that the relay took. */
  readonly taken: number;
  /** Recipients by the tries that the relay saw. */
  readonly tries: Readonly<Record<string, number>>;
  /** Sent after they were refused for now, or their connection broke. */
  readonly sentLater: number;
  /** Failed recipients by the code of the last refusal. */
  readonly refused: Readonly<Record<string, number>>;
  /** Why recipients are failed or unknown, by the reasons of the results. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Of the unknown ones, those whose message the relay has. */
  readonly unknownTaken: number;
  readonly secondCopies: number;
}

export function figuresOf({ known, faults }: People): RehearsalFigures {
  const [states, tries, refused, reasons] = [new Tally(), new Tally(), new Tally(), new Tally()];
  let [taken, sentLater, unknownTaken, secondCopies] = [0, 0, 0, 0];
  for (const person of known.values()) {
    states.add(person.state);
    tries.add(String(person.tries));
    taken += person.copies;
    secondCopies += Math.max(0, person.copies - 1);
    if (person.state === 'sent' && person.tries > 1) sentLater += 1;
    if (person.state === 'failed') refused.add(person.code);
    if (person.state === 'unknown' && person.copies > 0) unknownTaken += 1;
    if (person.state === 'failed' || person.state === 'unknown') reasons.add(person.reason);
  }
  return {
    ...{ states: states.counts(), faults, taken, tries: tries.counts(), sentLater },
    ...{ refused: refused.counts(), reasons: reasons.counts(), unknownTaken, secondCopies },
  };
}

class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    if (name !== '') this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** The commonest first; names that are numbers come in their order. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([, a], [, b]) => b - a));
  }
}
