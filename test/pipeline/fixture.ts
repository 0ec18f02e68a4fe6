import { EventEmitter, once } from 'node:events';
import type { Redis } from 'ioredis';
import type { Campaign } from '../../src/domain/campaign.js';
import type { Outcome, RelayFault } from '../../src/domain/outcome.js';
import type { Recipient } from '../../src/domain/recipient.js';
import type { ChunkSignals, ChunkWorkerPorts, Route } from '../../src/pipeline/chunk-ports.js';
import { createPacers } from '../../src/pipeline/pacers.js';
import type { Log } from '../../src/pipeline/ports.js';
import { createRecorder } from '../../src/pipeline/recorder.js';
import type {
  Asker,
  Composer,
  Message,
  Offered,
  Relay,
  RelayConnection,
  Taken,
} from '../../src/pipeline/relay-ports.js';
import { watchSuppression } from '../../src/pipeline/suppression-watch.js';
import { createBreaker } from '../../src/redis/breaker/store.js';
import { createCampaigns } from '../../src/redis/ledger/campaigns.js';
import { createChunkLedger } from '../../src/redis/ledger/chunks.js';
import { createPaceStore } from '../../src/redis/pace/store.js';
import { createScratch } from '../../src/redis/scratch.js';
import { createSuppression } from '../../src/redis/suppression/store.js';
import type { Staged } from '../redis/ledger/fixture.js';

/** Keeps what is logged, for tests that ask. */
export interface KeptLog extends Log {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: object }[];
}

export function keptLog(): KeptLog {
  const lines: KeptLog['lines'] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

export const SENT: Outcome = { kind: 'sent', reply: { code: 250, text: 'ok' }, latencyMs: 2 };
export const refusedWith = (code: number, enhanced?: readonly [number, number]): Outcome => ({
  kind: 'refused',
  stage: 'rcpt',
  reply: { code, text: `no ${code}`, ...(enhanced ? { enhanced } : {}) },
  latencyMs: 2,
});
export const DROPPED: Outcome = { kind: 'not-sent', stage: 'data', why: 'reset' };
export const UNANSWERED: Outcome = { kind: 'unknown', why: 'reset after the final dot' };

type Script = (message: Message, count: number) => Outcome | Promise<Outcome>;

/** A relay in this process whose answers are written in the test; the SMTP one is tested on its own. */
export class ScriptedRelay implements Relay {
  readonly handed: string[] = [];
  readonly #events = new EventEmitter();
  readonly #script: Script;
  readonly #size: number;
  #taken = 0;
  /** Answers `take` while it is set. */
  fault: RelayFault | null = null;

  constructor(script: Script = () => SENT, size = 4) {
    this.#script = script;
    this.#size = size;
    this.#events.setMaxListeners(0);
  }

  get taken(): number {
    return this.#taken;
  }

  async take(asker: Asker | number, signal: AbortSignal): Promise<Taken> {
    await new Promise(setImmediate);
    while (!this.fault && !signal.aborted && this.#taken >= this.#size) {
      await once(this.#events, 'free', { signal }).catch(() => {});
    }
    if (signal.aborted) return { kind: 'aborted' };
    if (this.fault) return { kind: 'fault', fault: this.fault };
    const max = typeof asker === 'number' ? asker : asker.wants;
    const connections = Array.from({ length: Math.min(max, this.#size - this.#taken) }, () => this.#connection());
    return { kind: 'connections', connections };
  }

  #connection(): RelayConnection {
    this.#taken++;
    let free = () => {
      free = () => {
        throw new Error('a connection was given back twice');
      };
      this.#taken--;
      this.#events.emit('free');
    };
    let underway = 0;
    const end = () => {
      underway--;
      if (underway === 0) free();
    };
    let before: Promise<unknown> = Promise.resolve();
    const offer = (message: Message): Offered => {
      underway++;
      let deliver = () => {};
      const delivered = new Promise<void>((resolve) => {
        deliver = resolve;
      });
      const previous = before;
      const outcome = delivered
        .then(() => previous)
        .then(() => {
          this.handed.push(message.to);
          return this.#script(message, this.handed.filter((to) => to === message.to).length);
        })
        .finally(end);
      before = outcome.catch(() => {});
      return { outcome, lost: false, deliver, withdraw: end };
    };
    return {
      send: (message) => {
        const offered = offer(message);
        offered.deliver();
        return offered.outcome;
      },
      offer,
      mayKeep: () => true,
      release: () => free(),
      passOn: () => {},
    };
  }

  /** Resolves when `count` messages were handed over. */
  async reached(count: number): Promise<void> {
    while (this.handed.length < count) await new Promise(setImmediate);
  }

  abandon(): void {}
  async close(): Promise<void> {}
}

export const composer: Composer = {
  compose(recipient: Recipient): Message {
    const content = Buffer.from(`To: ${recipient.address}\r\n\r\nHello\r\n`);
    return { from: 'news@example.org', to: recipient.address, content, messageId: `<${recipient.line}@example.org>` };
  },
};

export interface Bench {
  readonly ports: ChunkWorkerPorts & { readonly log: KeptLog };
  readonly quiet: AbortController;
  readonly lost: AbortController;
  readonly signals: ChunkSignals;
}

/** The only relay of a campaign. */
export function routeTo({ options }: Pick<Campaign, 'options'>, relay: Relay): Route {
  return { identity: options.relay, weight: 1, spare: false, relay, number: 0 };
}

export function bench(redis: Redis, relay: Relay | string, more: Partial<ChunkWorkerPorts> = {}): Bench {
  const [quiet, lost] = [new AbortController(), new AbortController()];
  const log = keptLog();
  const ledger = more.ledger ?? createChunkLedger(redis);
  const ports = {
    campaigns: createCampaigns(redis),
    ledger,
    recorder: createRecorder(ledger, log),
    scratch: createScratch(redis),
    breaker: createBreaker(redis),
    pacer: createPacers(createPaceStore(redis), log).of,
    suppression: watchSuppression(createSuppression(redis), log),
    links: createSuppression(redis),
    routes: (campaign: Campaign) => (typeof relay === 'string' ? relay : [routeTo(campaign, relay)]),
    composer: () => composer,
    promote: async () => undefined,
    ...more,
    log,
  };
  return { ports, quiet, lost, signals: { quiet: quiet.signal, lost: lost.signal, aside: () => () => {} } };
}

export const refOf = (staged: Staged, chunk = 0) => ({ campaign: staged.id, round: 1, chunk });
