import type { Campaign } from '../domain/campaign.js';
import type { RelayFault } from '../domain/outcome.js';
import type { Recipient } from '../domain/recipient.js';
import type { ChunkSignals, ChunkWorkerPorts } from './chunk-ports.js';
import { Conclusions } from './conclusions.js';
import { Lanes } from './lanes.js';
import { type Open, openNow } from './open.js';
import type { ClaimedChunk, LedgerStop } from './ports.js';
import type { Intent } from './recorder.js';
import type { Asker, Composer, Relay } from './relay-ports.js';
import { Suppressed } from './suppressed.js';

export interface SendInput {
  readonly chunk: ClaimedChunk;
  readonly campaign: Campaign;
  readonly recipients: readonly Recipient[];
  readonly composer: Composer;
  readonly relay: Relay;
  readonly ports: ChunkWorkerPorts;
  readonly signals: ChunkSignals;
}

/** Why sending stopped. In every case nothing is in flight any more and all outcomes are settled. */
export type SendStop =
  | { readonly kind: 'sent-all' }
  | { readonly kind: 'told' }
  | { readonly kind: 'refused'; readonly why: LedgerStop }
  | { readonly kind: 'fault'; readonly why: string; readonly waitMs: number };

/** Between tries where Redis refuses to write (full, read-only). */
const REDIS_REFUSED_MS = 2_000;

const SENT_ALL: SendStop = { kind: 'sent-all' };
const TOLD: SendStop = { kind: 'told' };

/** Sends what is open and due in a chunk, on as many connections as this process has for it. */
export function sendOpen(input: SendInput): Promise<SendStop> {
  return new Sending(input).run();
}

class Sending implements Asker {
  readonly #input: SendInput;
  readonly #ready: Open[];
  readonly #conclusions: Conclusions;
  readonly #suppressed: Suppressed;
  readonly #lanes: Lanes;
  /** As the signal says; it is asked for every message, and slow to answer. */
  #isTold: boolean;
  #stop: SendStop | null = null;
  #broken: { readonly error: unknown } | null = null;
  #wake: () => void = () => undefined;
  /** Ends a wait for connections that has no purpose any more. */
  #enough = new AbortController();

  /** Bound, and taken off at the end: the signals outlive every chunk, and would keep its recipients. */
  readonly #onTold = (): void => {
    this.#isTold = true;
    this.#enough.abort();
    this.#wake();
  };

  constructor(input: SendInput) {
    const { chunk, campaign, recipients, composer, ports, signals } = input;
    const { log } = ports;
    const ready = openNow(chunk);
    const changed = () => this.#changed();
    // What is looked at for every message is never made by spreading: V8 knows such objects one by one.
    const again = (open: Open) => {
      if (suppressed.mayReturn(open.index)) ready.push(open);
    };
    const dead = (open: Open) => this.#dead(open);
    const conclusions = new Conclusions({ chunk, campaign, ports, again, dead, recorded: changed });
    const suppressed = new Suppressed({
      chunk,
      recipients,
      topic: campaign.options.topic,
      ports,
      drop: (indices) => void ready.splice(0, ready.length, ...ready.filter(({ index }) => !indices.has(index))),
      record: (index, verdict) => conclusions.record({ index, attempts: 0, dropped: false }, verdict),
      failed: (error) => {
        this.#refused({ kind: 'redis', error });
        this.#changed();
      },
    });
    this.#input = input;
    this.#isTold = signals.quiet.aborted || signals.lost.aborted;
    for (const signal of [signals.quiet, signals.lost]) signal.addEventListener('abort', this.#onTold);
    this.#ready = ready;
    this.#conclusions = conclusions;
    this.#suppressed = suppressed;
    this.#lanes = new Lanes({
      chunk,
      recipients,
      composer,
      recorder: suppressed,
      conclusions,
      ready,
      log,
      changed,
      goesOn: () => this.#goesOn,
      refused: (intent) => this.#refused(intent),
      broken: (error) => {
        this.#broken = { error };
      },
    });
  }

  get wants(): number {
    return this.#goesOn ? this.#ready.length : 0;
  }

  get party(): string {
    return this.#input.campaign.id;
  }

  async run(): Promise<SendStop> {
    let stop: SendStop | null = null;
    try {
      await this.#suppressed.start();
      while (!stop) stop = await this.#step();
    } finally {
      this.#suppressed.close();
      // Whatever happened: nobody leaves a chunk with messages on the wire.
      while (this.#busy) await this.#change();
      this.#lanes.close();
      const { quiet, lost } = this.#input.signals;
      for (const signal of [quiet, lost]) signal.removeEventListener('abort', this.#onTold);
    }
    if (this.#broken) throw this.#broken.error;
    const { campaign, ports } = this.#input;
    if (this.#conclusions.answered && stop.kind !== 'fault') await ports.breaker.clear(campaign.options.relay);
    return stop;
  }

  async #step(): Promise<SendStop | null> {
    if (this.#broken) return TOLD;
    if (this.#stop) return this.#stop;
    if (this.#isTold) return TOLD;
    if (this.#conclusions.fenced) return { kind: 'refused', why: 'fenced' };
    if (this.#conclusions.dropping) return this.#fault('the relay drops its connections', 'unreachable');
    if (this.#ready.length > 0) return this.#connect();
    if (!this.#busy) return SENT_ALL;
    await this.#change();
    return null;
  }

  async #connect(): Promise<SendStop | null> {
    this.#enough = new AbortController();
    const taken = await this.#input.relay.take(this, this.#enough.signal);
    if (taken.kind === 'connections') {
      for (const connection of taken.connections) this.#lanes.open(connection);
      return null;
    }
    if (taken.kind === 'aborted') return this.#enough.signal.aborted ? null : TOLD;
    if (!taken.fault.misconfigured) return this.#fault(taken.fault.why, taken.fault.cause);
    await this.#conclusions.pause(taken.fault.why);
    return { kind: 'refused', why: 'paused' };
  }

  get #goesOn(): boolean {
    return this.#stop === null && this.#broken === null && !this.#isTold && !this.#conclusions.over;
  }

  get #busy(): boolean {
    return this.#lanes.count > 0 || this.#conclusions.pending > 0;
  }

  #changed(): void {
    if (this.wants === 0 && !this.#enough.signal.aborted) this.#enough.abort();
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #refused(intent: Intent): void {
    if (intent.kind === 'stopped') this.#stop ??= { kind: 'refused', why: intent.why };
    // Redis refuses to write: no intent, so nothing is sent.
    if (intent.kind === 'redis')
      this.#stop ??= { kind: 'fault', why: `Redis: ${String(intent.error)}`, waitMs: REDIS_REFUSED_MS };
  }

  #dead({ index }: Open): void {
    const { campaign, recipients, ports } = this.#input;
    const address = recipients[index]?.address;
    if (address !== undefined && campaign.options.onDead === 'suppress') ports.suppression.dead(address);
  }

  async #fault(why: string, cause: RelayFault['cause']): Promise<SendStop> {
    const { campaign, ports } = this.#input;
    // A relay that answered meanwhile begins anew: only what came in a row makes the waits longer.
    if (this.#conclusions.answered) await ports.breaker.clear(campaign.options.relay).catch(() => undefined);
    const seen = { cause, why, misconfigured: false };
    const waitMs = await ports.breaker.fault(campaign.options.relay, seen).catch(() => REDIS_REFUSED_MS);
    return { kind: 'fault', why, waitMs };
  }
}
