import type { Recipient, Reject, RejectReason } from '../domain/recipient.js';
import { parseAddress } from './address.js';
import type { CommonAddress } from './common-address.js';
import { KeySet } from './key-set.js';
import type { RawRow } from './rows.js';

export type Row =
  | { readonly kind: 'recipient'; readonly recipient: Recipient }
  | { readonly kind: 'reject'; readonly reject: Reject };

export interface ScreenOptions {
  /** Sendable recipients to stop after, at least 1. */
  readonly limit?: number;
  /** Addresses never to send to. */
  readonly exclude?: KeySet | undefined;
}

/** Decides about each row: what may be sent, and why not. */
export class Screen {
  readonly #seen = new KeySet();
  readonly #exclude: KeySet | undefined;
  #left: number;

  constructor({ exclude, limit }: ScreenOptions) {
    this.#exclude = exclude;
    this.#left = limit ?? Number.POSITIVE_INFINITY;
  }

  /** True once the limit is reached. */
  get full(): boolean {
    return this.#left <= 0;
  }

  pass(rows: readonly RawRow[]): Row[] {
    const passed: Row[] = [];
    for (const row of rows) {
      if (this.full) break;
      passed.push(this.#decide(row));
    }
    return passed;
  }

  #decide(row: RawRow): Row {
    if (row.kind === 'reject') return row;
    const { line, address: written, variables } = row;
    if (written === undefined || written === null) {
      return { kind: 'reject', reject: refuse(line, '', 'no-address', 'There is no address.') };
    }
    if (typeof written !== 'string') {
      const reject = refuse(line, JSON.stringify(written), 'no-address', 'The address is no text.');
      return { kind: 'reject', reject };
    }
    const admitted = this.admit(line, written);
    if (typeof admitted !== 'string') return { kind: 'reject', reject: admitted };
    return { kind: 'recipient', recipient: { line, address: admitted, variables } };
  }

  /** The address as it goes to the relay, or why nothing is sent to it. */
  admit(line: number, written: string): string | Reject {
    const parsed = parseAddress(written);
    if (!parsed.ok) return refuse(line, written, parsed.reason, parsed.detail);
    if (this.#exclude?.has(parsed.key)) return this.#excluded(line, written);
    if (!this.#seen.add(parsed.key)) return this.#repeated(line, written);
    this.#left--;
    return parsed.address;
  }

  /** The same for an address of the usual form, null where it is admitted; `written` makes its text. */
  admitCommon(line: number, { key, length }: CommonAddress, written: () => string): Reject | null {
    if (this.#exclude?.hasUnits(key, length)) return this.#excluded(line, written());
    if (!this.#seen.addUnits(key, length)) return this.#repeated(line, written());
    this.#left--;
    return null;
  }

  #excluded(line: number, written: string): Reject {
    return refuse(line, written, 'suppressed', 'The address is never to be sent to.');
  }

  #repeated(line: number, written: string): Reject {
    return refuse(line, written, 'duplicate', 'The same address stood earlier.');
  }
}

function refuse(line: number, address: string, reason: RejectReason, detail: string): Reject {
  return { line, address, reason, detail };
}
