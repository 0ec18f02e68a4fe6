import type { RelayFault } from '../domain/outcome.js';
import type { Log } from '../pipeline/ports.js';
import type { Asker, Relay, RelayConnection, Taken } from '../pipeline/relay-ports.js';
import { connect } from './connect.js';
import { Dialogue } from './dialogue.js';
import type { Holder, Manners } from './holder.js';
import { Lease, type Lender } from './lease.js';
import { Lent } from './lent.js';
import { Opener } from './opener.js';
import { TIMEOUTS, type Timeouts } from './timeouts.js';
import { describeRelay, identityOf, type RelaySettings } from './url.js';
import { Waiters } from './waiters.js';

export interface PoolOptions {
  /** Connections at most. */
  readonly connections: number;
  /** After so many a connection is replaced; relays have limits, and balancers need the chance. Default 1000. */
  readonly messagesPerConnection?: number;
  /** Milliseconds after which an unused connection is closed. Default 30 s, below what relays allow. */
  readonly idleMs?: number;
  /** Overrides of the defaults, which are those of RFC 5321 4.5.3.2. */
  readonly timeouts?: Partial<Timeouts>;
  readonly log: Log;
}

/** Keeps connections to one relay. Nothing is opened before the first `take`. */
export function createRelay(settings: RelaySettings, options: PoolOptions): Relay {
  return new Pool(settings, options);
}

/**
 * A connection is being opened, idle here, or taken. Whenever one comes, goes or becomes idle, or somebody asks, the pool
 * looks at the end of the turn (`#serve`) whom it can serve and whether to open more. Opening goes on in parallel until
 * one fails; then one at a time, after growing waits, until one succeeds (`Opener`): a relay that allows fewer
 * connections than asked for is no fault while some are open.
 */
class Pool implements Relay, Holder<Dialogue>, Lender {
  readonly #size: number;
  readonly #messages: number;
  readonly #idleMs: number;
  readonly #timeouts: Timeouts;
  readonly #log: Log;
  readonly #where: string;
  readonly #opener: Opener;
  readonly #lent = new Lent();
  readonly #waiters = new Waiters(this.#lent);
  readonly #manners: Manners = { ahead: true };
  readonly #open = new Set<Dialogue>();
  /** The last one is the one used last. */
  #idle: { readonly dialogue: Dialogue; readonly since: number }[] = [];
  /** Sockets not closed yet, of dialogues that are over too. */
  readonly #sockets = new Set<Dialogue>();
  #sweep: NodeJS.Timeout | null = null;
  #serving = false;
  #closing = false;
  #closed: Promise<void> | null = null;
  #onAllClosed: (() => void) | null = null;

  constructor(settings: RelaySettings, options: PoolOptions) {
    this.#size = options.connections;
    this.#messages = options.messagesPerConnection ?? 1000;
    this.#idleMs = options.idleMs ?? 30_000;
    this.#timeouts = { ...TIMEOUTS, ...options.timeouts };
    this.#log = options.log;
    this.#where = describeRelay(identityOf(settings));
    this.#opener = new Opener((signal) => connect(settings, this.#timeouts, signal), {
      opened: (connected) =>
        this.#opened(new Dialogue(connected.socket, connected.offer, this.#timeouts, this, this.#manners)),
      failed: (fault) => this.#failed(fault),
      again: () => this.#serveSoon(),
    });
  }

  take(asker: Asker | number, signal: AbortSignal): Promise<Taken> {
    if (this.#closing || signal.aborted) return Promise.resolve({ kind: 'aborted' });
    return new Promise((resolve) => {
      this.#waiters.add(typeof asker === 'number' ? { wants: asker, party: Symbol() } : asker, signal, resolve);
      this.#serveSoon();
    });
  }

  abandon(): void {
    const idle = new Set(this.#idle.map((entry) => entry.dialogue));
    for (const dialogue of [...this.#open]) if (!idle.has(dialogue)) dialogue.fail('the sending was given up');
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut();
    return this.#closed;
  }

  free(dialogue: Dialogue): void {
    this.#lent.delete(dialogue);
    if (this.#closing || dialogue.messages >= this.#messages) dialogue.quit();
    else this.#idle.push({ dialogue, since: performance.now() });
    this.#serveSoon();
  }

  mayKeep(dialogue: Dialogue): boolean {
    const party = this.#lent.partyOf(dialogue);
    if (party === undefined || this.#closing || dialogue.full || dialogue.messages >= this.#messages) return false;
    return !this.#waiters.hasPoorer(party);
  }

  passOn(dialogue: Dialogue, until: Promise<unknown>): void {
    const party = this.#lent.partyOf(dialogue);
    if (party === undefined || !this.mayKeep(dialogue)) return;
    this.#waiters.follower(party)?.follow?.(new Lease(dialogue, this), until);
  }

  over(dialogue: Dialogue): void {
    this.#open.delete(dialogue);
    this.#lent.delete(dialogue);
    this.#idle = this.#idle.filter((entry) => entry.dialogue !== dialogue);
    this.#serveSoon();
  }

  closed(dialogue: Dialogue): void {
    this.#sockets.delete(dialogue);
    this.#checkAllClosed();
  }

  #opened(dialogue: Dialogue): void {
    this.#open.add(dialogue);
    this.#sockets.add(dialogue);
    this.#sweep ??= setInterval(() => this.#closeUnused(), Math.max(50, this.#idleMs / 4)).unref();
    this.free(dialogue);
  }

  #failed(fault: RelayFault) {
    this.#log.debug({ relay: this.#where, cause: fault.cause, why: fault.why }, 'a connection could not be opened');
    if (this.#closing) return this.#checkAllClosed();
    if (this.#open.size === 0 && this.#opener.underway === 0) this.#waiters.fail(fault);
    this.#serveSoon();
  }

  #serveSoon(): void {
    if (this.#serving) return;
    this.#serving = true;
    setImmediate(() => {
      this.#serving = false;
      this.#serve();
    });
  }

  #serve(): void {
    if (this.#closing) return;
    this.#waiters.serve(this.#idle.length, (party) => this.#lend(party));
    const wanted = Math.min(this.#waiters.demand, this.#size - this.#open.size) - this.#opener.underway;
    this.#opener.open(wanted, this.#open.size === 0);
  }

  #lend(party: Asker['party']): RelayConnection {
    const last = this.#idle.pop();
    if (!last) throw new RangeError('no connection is idle');
    this.#lent.add(last.dialogue, party);
    return new Lease(last.dialogue, this);
  }

  #closeUnused(): void {
    const before = performance.now() - this.#idleMs;
    for (const { dialogue, since } of [...this.#idle]) if (since <= before) dialogue.quit();
  }

  #shut(): Promise<void> {
    this.#closing = true;
    this.#waiters.abort();
    this.#opener.cancel();
    if (this.#sweep) clearInterval(this.#sweep);
    for (const { dialogue } of [...this.#idle]) dialogue.quit();
    return new Promise((resolve) => {
      this.#onAllClosed = resolve;
      this.#checkAllClosed();
    });
  }

  #checkAllClosed(): void {
    if (this.#sockets.size === 0 && this.#opener.underway === 0) this.#onAllClosed?.();
  }
}
