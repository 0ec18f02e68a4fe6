import { domainOf } from '../domain/pace.js';
import type { RecipientRecord } from '../domain/record.js';
import { STATE_NAMES, type State } from '../domain/state.js';
import type { DomainFigures, RefusalFigures } from '../domain/summary.js';
import { Tally } from './tally.js';

const DOMAINS_TRACKED = 50_000;
const DOMAINS_SHOWN = 100;
const CODES_TRACKED = 5_000;
const CODES_SHOWN = 50;

interface DomainCount {
  total: number;
  sent: number;
  failed: number;
  unknown: number;
}

interface RefusalCount {
  count: number;
  sample: string;
}

/** Counts what the ledger holds while it is read, in bounded memory. */
export class Figures {
  readonly states = Object.fromEntries(STATE_NAMES.map((name) => [name, 0])) as Record<State, number>;
  readonly reasons: Record<string, number> = {};
  readonly #domains = new Tally<DomainCount>(DOMAINS_TRACKED, () => ({ total: 0, sent: 0, failed: 0, unknown: 0 }));
  readonly #refusals = new Tally<RefusalCount>(CODES_TRACKED, () => ({ count: 0, sample: '' }));

  /** `address` is null where it was lost, `code` and `words` are what the relay said last, empty without a reply. */
  add(state: State, record: RecipientRecord, address: string | null, code: string, words: string): void {
    this.states[state]++;
    const domain = this.#domains.of(address === null ? null : domainOf(address));
    domain.total++;
    if (state === 'sent' || state === 'failed' || state === 'unknown') domain[state]++;
    if (state === 'failed' || state === 'unknown') this.reasons[record.reason] = (this.reasons[record.reason] ?? 0) + 1;
    if (state === 'failed' && record.code >= 400) {
      const refusal = this.#refusals.of(code);
      refusal.count++;
      if (refusal.sample === '') refusal.sample = words;
    }
  }

  domains(): DomainFigures[] {
    const join = (into: DomainCount, from: DomainCount) => {
      for (const field of ['total', 'sent', 'failed', 'unknown'] as const) into[field] += from[field];
    };
    return this.#domains
      .ranked(DOMAINS_SHOWN, (figures) => figures.total, join)
      .map(([domain, figures]) => ({ domain, ...figures }));
  }

  refusals(): RefusalFigures[] {
    const join = (into: RefusalCount, from: RefusalCount) => {
      into.count += from.count;
      into.sample ||= from.sample;
    };
    return this.#refusals
      .ranked(CODES_SHOWN, (figures) => figures.count, join)
      .map(([code, figures]) => ({ code, ...figures }));
  }
}
