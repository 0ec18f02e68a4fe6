import { setMaxListeners } from 'node:events';
import type { RelayFault } from '../domain/outcome.js';
import type { Connected } from './connect.js';

const BACKOFF_MS = 1000;
const BACKOFF_LIMIT_MS = 60_000;

export interface OpenerEvents {
  opened(connected: Extract<Connected, { kind: 'connected' }>): void;
  failed(fault: RelayFault): void;
  /** A wait after a failure is over. */
  again(): void;
}

/** Opens connections in the background; after a failure only one at a time, waiting twice as long after each one. */
export class Opener {
  #underway = 0;
  #failures = 0;
  #failedAt = -1;
  #notBefore = 0;
  readonly #connect: (signal: AbortSignal) => Promise<Connected>;
  readonly #events: OpenerEvents;
  readonly #cancelled = new AbortController();

  constructor(connect: (signal: AbortSignal) => Promise<Connected>, events: OpenerEvents) {
    this.#connect = connect;
    this.#events = events;
    setMaxListeners(0, this.#cancelled.signal);
  }

  get underway(): number {
    return this.#underway;
  }

  /** Opens up to `count` more, fewer or none after failures. `urgent`: none is open, so one is tried at once. */
  open(count: number, urgent: boolean): void {
    if (count <= 0 || this.#cancelled.signal.aborted) return;
    if (this.#failures === 0) {
      for (let i = 0; i < count; i++) void this.#one();
    } else if (this.#underway === 0 && (urgent || performance.now() >= this.#notBefore)) void this.#one();
  }

  /** Ends what is underway; nothing is opened any more. */
  cancel(): void {
    this.#cancelled.abort();
  }

  async #one(): Promise<void> {
    this.#underway++;
    const began = performance.now();
    const connected = await this.#connect(this.#cancelled.signal);
    this.#underway--;
    // Of several opened at once the first failure counts for all.
    const news = began > this.#failedAt;
    if (connected.kind === 'fault') {
      if (news) this.#wait();
      this.#events.failed(connected.fault);
    } else if (this.#cancelled.signal.aborted) {
      connected.socket.destroy();
      this.#events.failed({ cause: 'unreachable', why: 'the relay was closed', misconfigured: false });
    } else {
      if (news) this.#failures = 0;
      this.#events.opened(connected);
    }
  }

  #wait(): void {
    const wait = Math.min(BACKOFF_LIMIT_MS, BACKOFF_MS * 2 ** this.#failures);
    this.#failures++;
    this.#failedAt = performance.now();
    this.#notBefore = this.#failedAt + wait;
    if (!this.#cancelled.signal.aborted) setTimeout(() => this.#events.again(), wait + 1).unref();
  }
}
