import type { Recipient } from '../domain/recipient.js';
import { stateOfByte } from '../domain/state.js';
import type { Verdict } from '../domain/verdict.js';
import type { ChunkWorkerPorts } from './chunk-ports.js';
import type { ClaimedChunk } from './ports.js';
import type { Intent, Recorder } from './recorder.js';

const SUPPRESSED: Verdict = {
  ...{ verb: 'suppressed', reason: 'suppressed' },
  ...{ reply: null, replyClass: null, latencyMs: null, delayMs: 0 },
};

export interface SuppressedOptions {
  readonly chunk: ClaimedChunk;
  readonly recipients: readonly Recipient[];
  /** Of the campaign. */
  readonly topic: string | null;
  readonly ports: Pick<ChunkWorkerPorts, 'recorder' | 'suppression'>;
  /** Takes these out of what waits to be begun, as far as they are there. */
  readonly drop: (indices: ReadonlySet<number>) => void;
  readonly record: (index: number, verdict: Verdict) => void;
  /** The list can't be asked: nothing more may be begun. */
  readonly failed: (error: unknown) => void;
}

/**
 * Keeps a chunk from beginning whom nobody may send to: asks for all that is open when it starts, and again whenever the
 * list has changed. Who is suppressed is settled so while it waits, and then the ledger grants it no intent, whatever way it
 * took through the lanes, since outcomes go before intents. What is on the wire is left to the relay's word.
 */
export class Suppressed implements Pick<Recorder, 'begin'> {
  readonly #options: SuppressedOptions;
  /** Open at the claim. */
  readonly #open: readonly number[];
  /** Of these, with no intent. */
  readonly #waiting: Set<number>;
  readonly #never = new Set<number>();
  #end: () => void = () => undefined;
  #closed = false;

  constructor(options: SuppressedOptions) {
    this.#options = options;
    this.#open = openIn(options.chunk);
    this.#waiting = new Set(this.#open);
  }

  /** Resolves when all that is open was asked for, and may be begun where it is left. */
  async start(): Promise<void> {
    // First: what is added after the question is told by the watch.
    this.#end = this.#options.ports.suppression.subscribe(() => void this.#look());
    await this.#look();
  }

  /** After this nothing is settled here any more. */
  close(): void {
    this.#closed = true;
    this.#end();
  }

  /** Notes who does not wait any more. */
  begin(chunk: ClaimedChunk, index: number): Promise<Intent> {
    this.#waiting.delete(index);
    return this.#options.ports.recorder.begin(chunk, index);
  }

  /** Whether a recipient that was begun, and came back untouched, may be begun again. */
  mayReturn(index: number): boolean {
    if (this.#never.has(index)) {
      this.#options.record(index, SUPPRESSED);
      return false;
    }
    this.#waiting.add(index);
    return true;
  }

  async #look(): Promise<void> {
    const { recipients, topic, ports, failed } = this.#options;
    const asked = this.#open.filter((index) => !this.#never.has(index));
    try {
      const found = await ports.suppression.check(
        asked.map((index) => recipients[index]?.address ?? ''),
        topic,
      );
      if (!this.#closed) this.#settle(found.map((at) => asked[at] as number));
    } catch (error) {
      failed(error);
    }
  }

  #settle(found: readonly number[]): void {
    const { drop, record } = this.#options;
    const waiting = new Set<number>();
    for (const index of found) {
      this.#never.add(index);
      if (this.#waiting.delete(index)) waiting.add(index);
    }
    if (waiting.size === 0) return;
    drop(waiting);
    for (const index of waiting) record(index, SUPPRESSED);
  }
}

function openIn({ states }: ClaimedChunk): number[] {
  const open: number[] = [];
  for (let index = 0; index < states.length; index++) {
    const state = stateOfByte(states[index] ?? 0);
    if (state === 'pending' || state === 'deferred') open.push(index);
  }
  return open;
}
