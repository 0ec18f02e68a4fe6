import type { Campaign } from '../domain/campaign.js';
import type { RelayFault } from '../domain/outcome.js';
import type { Recipient } from '../domain/recipient.js';
import type { ChunkSignals, ChunkWorkerPorts } from './chunk-ports.js';
import { Conclusions } from './conclusions.js';
import { Lanes } from './lanes.js';
import { Line } from './line.js';
import { Messages } from './messages.js';
import { type Open, openNow } from './open.js';
import type { Pacer } from './pacer.js';
import type { ClaimedChunk, LedgerStop } from './ports.js';
import type { Intent } from './recorder.js';
import type { Asker, Composer, RelayConnection } from './relay-ports.js';
import type { Way } from './routing.js';
import { Suppressed } from './suppressed.js';

export interface SendInput {
  readonly chunk: ClaimedChunk;
  readonly campaign: Campaign;
  readonly recipients: readonly Recipient[];
  readonly composer: Composer;
  readonly way: Way;
  /** What the chunk waits for at that relay. */
  readonly pacer: Pacer;
  /** False: not where the relay throttles, since there is another one. */
  readonly patient: boolean;
  readonly ports: ChunkWorkerPorts;
  readonly signals: ChunkSignals;
}

/** Why sending stopped. In every case nothing is in flight any more and all outcomes are settled. */
export type SendStop =
  | { readonly kind: 'sent-all' }
  | { readonly kind: 'told' }
  | { readonly kind: 'refused'; readonly why: LedgerStop }
  | { readonly kind: 'fault'; readonly ofRelay: boolean; readonly why: string; readonly waitMs: number }
  /** All that is left waits for its pace, and others could use the place. */
  | { readonly kind: 'paced'; readonly waitMs: number };

/** Between tries where Redis refuses to write (full, read-only). */
const REDIS_REFUSED_MS = 2_000;

/** A chunk that is left to wait for its pace comes back after so long. */
const SHORTEST_PACED_MS = 1_000;
const LONGEST_PACED_MS = 60_000;
/** And one that keeps waiting is claimed anew after so long. */
const LONGEST_ASIDE_MS = 30_000;

/** Said, since an error would be made for it otherwise, several times for each chunk. */
const ENOUGH = 'enough';
const SENT_ALL: SendStop = { kind: 'sent-all' };
const TOLD: SendStop = { kind: 'told' };

/** Sends what is open and due in a chunk, on as many connections as this process has for it. */
export function sendOpen(input: SendInput): Promise<SendStop> {
  return new Sending(input).run();
}

class Sending implements Asker {
  readonly #input: SendInput;
  readonly #line: Line;
  readonly #conclusions: Conclusions;
  readonly #suppressed: Suppressed;
  readonly #lanes: Lanes;
  /** As the signal says; it is asked for every message, and slow to answer. */
  #isTold: boolean;
  #stop: SendStop | null = null;
  #broken: { readonly error: unknown } | null = null;
  #wake: () => void = () => undefined;
  /** Takes back the place that was left to others while this chunk waits for its pace. */
  #back: (() => void) | null = null;
  #asideUntil: NodeJS.Timeout | undefined;
  /** Ends a wait for connections that has no purpose any more. */
  #enough = new AbortController();

  /** Bound, and taken off at the end: the signals outlive every chunk, and would keep its recipients. */
  readonly #onTold = (): void => {
    this.#isTold = true;
    this.#enough.abort(ENOUGH);
    this.#wake();
  };

  constructor(input: SendInput) {
    const { chunk, campaign, recipients, composer, way, pacer, ports, signals } = input;
    const { log } = ports;
    const line = new Line(openNow(chunk), (index) => recipients[index]?.address ?? '', pacer);
    const changed = () => this.#changed();
    const goesOn = () => this.#goesOn;
    // What is looked at for every message is never made by spreading: V8 knows such objects one by one.
    const again = (open: Open) => {
      if (suppressed.mayReturn(open.index)) line.push(open);
    };
    const heard = () => this.#heard();
    const { number: route } = way.route;
    const told = { again, heard, recorded: changed };
    const conclusions = new Conclusions({ chunk, campaign, recipients, route, pacer, ports, ...told });
    const suppressed = new Suppressed({
      chunk,
      recipients,
      topic: campaign.options.topic,
      ports,
      drop: (indices) => line.drop(indices),
      record: (index, verdict) => conclusions.record({ index, attempts: 0, dropped: false }, verdict),
      failed: (error) => {
        this.#refused({ kind: 'redis', error });
        this.#changed();
      },
    });
    this.#input = input;
    this.#isTold = signals.quiet.aborted || signals.lost.aborted;
    for (const signal of [signals.quiet, signals.lost]) signal.addEventListener('abort', this.#onTold);
    this.#line = line;
    this.#conclusions = conclusions;
    this.#suppressed = suppressed;
    this.#lanes = new Lanes({
      chunk,
      messages: new Messages({ chunk, recipients, composer, line, log, goesOn, changed }),
      recorder: suppressed,
      conclusions,
      line,
      changed,
      goesOn,
      refused: (intent) => this.#refused(intent),
      broken: (error) => {
        this.#broken = { error };
      },
    });
  }

  get wants(): number {
    if (!this.#goesOn) return 0;
    if (this.#input.way.probing && !this.#conclusions.answered)
      return this.#lanes.count > 0 ? 0 : Math.min(1, this.#line.available);
    return this.#line.available;
  }

  get party(): string {
    return this.#input.campaign.id;
  }

  follow(connection: RelayConnection, until: Promise<unknown>): void {
    this.#lanes.follow(connection, until);
  }

  async run(): Promise<SendStop> {
    let stop: SendStop | null = null;
    const leavePace = await this.#input.pacer.join({ wants: this.#line.wants, changed: () => this.#permitted() });
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
      leavePace();
      clearTimeout(this.#asideUntil);
      this.#back?.();
    }
    if (this.#broken) throw this.#broken.error;
    const { way, ports } = this.#input;
    if (this.#conclusions.answered && stop.kind !== 'fault') await ports.breaker.clear(way.route.identity);
    return stop;
  }

  async #step(): Promise<SendStop | null> {
    const { pacer, patient } = this.#input;
    if (this.#broken) return TOLD;
    if (this.#stop) return this.#stop;
    if (this.#isTold) return TOLD;
    if (this.#conclusions.fenced) return { kind: 'refused', why: 'fenced' };
    if (this.#conclusions.dropping) return this.#fault('the relay drops its connections', 'unreachable');
    if (this.wants > 0) return this.#connect();
    if (!this.#busy) {
      if (this.#line.length === 0) return SENT_ALL;
      if (!patient && pacer.throttles(this.#line.wants())) return { kind: 'paced', waitMs: 0 };
      if (!this.#waitAside() && pacer.knows(this.#line.wants())) return this.#paced();
    }
    await this.#change();
    return null;
  }

  /** Lets another chunk go meanwhile; false where this one has to be left for that. */
  #waitAside(): boolean {
    const leave = (stop: SendStop) => {
      this.#stop ??= stop;
      this.#wake();
    };
    if (this.#back === null) {
      this.#back = this.#input.signals.aside(this.party, () => leave(this.#paced()));
      // Nobody tells it of a pause or a cancel meanwhile: it is claimed anew.
      if (this.#back) this.#asideUntil = setTimeout(leave, LONGEST_ASIDE_MS, { kind: 'paced', waitMs: 0 });
    }
    return this.#back !== null;
  }

  #paced(): SendStop {
    const waitMs = this.#input.pacer.waitMs(this.#line.wants());
    return { kind: 'paced', waitMs: Math.min(LONGEST_PACED_MS, Math.max(SHORTEST_PACED_MS, waitMs)) };
  }

  async #connect(): Promise<SendStop | null> {
    this.#enough = new AbortController();
    const taken = await this.#input.way.route.relay.take(this, this.#enough.signal);
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
    if (this.wants === 0 && !this.#enough.signal.aborted) this.#enough.abort(ENOUGH);
    this.#wake();
  }

  /** Permits are due: connections are asked for anew, since the pool looks at wants only when it has something to share. */
  #permitted(): void {
    if (!this.#enough.signal.aborted) this.#enough.abort(ENOUGH);
    this.#wake();
  }

  /** The relay answers: the others need not wait for what this one finds out. */
  #heard(): void {
    const { way, ports } = this.#input;
    if (!way.probing) return;
    void ports.breaker.clear(way.route.identity).catch(() => undefined);
    this.#permitted();
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
      this.#stop ??= {
        kind: 'fault',
        ofRelay: false,
        why: `Redis: ${String(intent.error)}`,
        waitMs: REDIS_REFUSED_MS,
      };
  }

  async #fault(why: string, cause: RelayFault['cause']): Promise<SendStop> {
    const { way, ports } = this.#input;
    const { identity } = way.route;
    // A relay that answered meanwhile begins anew: only what came in a row makes the waits longer.
    if (this.#conclusions.answered) await ports.breaker.clear(identity).catch(() => undefined);
    const seen = { cause, why, misconfigured: false };
    const waitMs = await ports.breaker.fault(identity, seen).catch(() => REDIS_REFUSED_MS);
    return { kind: 'fault', ofRelay: true, why, waitMs };
  }
}
