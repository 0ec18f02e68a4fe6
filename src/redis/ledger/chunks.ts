import { randomInt } from 'node:crypto';
import type { Writable } from 'node:stream';
import type { Redis } from 'ioredis';
import { FORMAT } from '../../domain/campaign.js';
import { latencyBucket } from '../../domain/latency.js';
import type { Reply } from '../../domain/outcome.js';
import type { Reason } from '../../domain/record.js';
import { reasonNumber, VERBS, type Verdict } from '../../domain/verdict.js';
import type {
  Begun,
  ChunkLedger,
  ChunkRef,
  Claim,
  ClaimedChunk,
  Finish,
  Refusal,
  Settlement,
} from '../../pipeline/ports.js';
import { campaignKeys, chunkKeys, stagingKeys } from '../keys.js';
import { loadScript, runScript, type Reply as ScriptReply } from '../script.js';

/** Claims without any progress after which a chunk counts as lost, so that a poisonous one can't loop for ever. */
const MAX_FRUITLESS_CLAIMS = 20;
/** Of one outcome in what settle.lua takes. */
const OUTCOME_BYTES = 18;
/** Campaigns whose count of settled outcomes a process remembers. */
const CAMPAIGNS_SEEN = 1_000;
/** Outcomes of one call: the number of a reply's words has to fit a byte, and a script must not block Redis for long. */
const MAX_SETTLE = 250;

/** The chunks' side of the ledger: claim, begin, settle, finish, lose. */
export function createChunkLedger(redis: Redis): ChunkLedger {
  const scripts = {
    claim: loadScript('claim'),
    begin: loadScript('begin'),
    settle: loadScript('settle'),
    finish: loadScript('finish'),
    lose: loadScript('lose'),
  };

  const seen = new Seen();

  async function settleSome(chunk: ClaimedChunk, settlements: readonly Settlement[]) {
    const c = campaignKeys(chunk.campaign);
    const k = chunkKeys(chunk.campaign, chunk.nonce, chunk.chunk);
    const keys = [
      c.campaign,
      c.counters,
      k.chunk,
      k.states,
      k.records,
      c.words,
      c.codes,
      c.ticks,
      c.latency,
      c.late,
      c.timeline,
    ];
    const { packed, texts } = packOutcomes(settlements);
    const args = [FORMAT, chunk.round, chunk.token, chunk.chunk, packed, ...texts];
    const { status, values } = await runScript(redis, scripts.settle, keys, args);
    if (status === 'ok' || status === 'fenced') seen.add(chunk, Number(values[0]));
    return status === 'ok' || status === 'fenced' || status === 'closed' ? status : 'refused';
  }

  return {
    async claim(ref: ChunkRef, nonce: string): Promise<Claim> {
      const token = randomInt(1, 2 ** 32 - 1);
      const c = campaignKeys(ref.campaign);
      const k = chunkKeys(ref.campaign, nonce, ref.chunk);
      const done = stagingKeys(ref.campaign, nonce).done;
      const keys = [c.campaign, c.counters, k.chunk, k.states, k.records, done, c.waits];
      const args = [FORMAT, ref.round, token, ref.chunk, MAX_FRUITLESS_CLAIMS, seen.of({ ...ref, nonce })];
      const { status, values } = await runScript(redis, scripts.claim, keys, args);
      if (status === 'finished') return { kind: 'finished' };
      if (status !== 'ok') return { kind: 'refused', why: refusal(status) };
      const read = { states: bytes(values[1]), records: bytes(values[2]), sinceSealMs: Number(values[3]) };
      seen.add({ ...ref, nonce }, Number(values[4]));
      return { kind: 'claimed', claim: { ...ref, nonce, token, ...read } };
    },

    together(act: () => void): void {
      // While Redis is away there is no stream, and ioredis keeps the commands.
      const stream: Writable | undefined = redis.stream;
      stream?.cork();
      try {
        act();
      } finally {
        stream?.uncork();
      }
    },

    async begin(chunk: ClaimedChunk, indices: readonly number[]): Promise<Begun> {
      const k = chunkKeys(chunk.campaign, chunk.nonce, chunk.chunk);
      const c = campaignKeys(chunk.campaign);
      const keys = [c.campaign, c.counters, k.chunk, k.states];
      const packed = Buffer.alloc(indices.length * 2);
      indices.forEach((index, i) => {
        packed.writeUInt16BE(index, i * 2);
      });
      const { status, values } = await runScript(redis, scripts.begin, keys, [
        FORMAT,
        chunk.round,
        chunk.token,
        packed,
        seen.of(chunk),
      ]);
      if (status === 'ok') return { kind: 'granted', indices: unpackIndices(bytes(values[0])) };
      if (status === 'fenced' || status === 'cancelling' || status === 'expired')
        return { kind: 'stopped', why: status };
      return { kind: 'stopped', why: refusal(status) };
    },

    async settle(chunk: ClaimedChunk, settlements: readonly Settlement[]) {
      const calls: ReturnType<typeof settleSome>[] = [];
      for (let at = 0; at < settlements.length; at += MAX_SETTLE)
        calls.push(settleSome(chunk, settlements.slice(at, at + MAX_SETTLE)));
      return (await Promise.all(calls)).at(-1) ?? 'ok';
    },

    async finish(chunk: ClaimedChunk): Promise<Finish> {
      const c = campaignKeys(chunk.campaign);
      const k = chunkKeys(chunk.campaign, chunk.nonce, chunk.chunk);
      const done = stagingKeys(chunk.campaign, chunk.nonce).done;
      const keys = [c.campaign, k.chunk, k.states, k.records, done, c.waits];
      const args = [FORMAT, chunk.round, chunk.token, chunk.chunk];
      const { status, values } = await runScript(redis, scripts.finish, keys, args);
      if (status === 'finished') return { kind: 'finished' };
      if (status === 'open') return { kind: 'open', waitMs: Number(values[0]) };
      return { kind: 'refused', why: status === 'fenced' ? 'fenced' : refusal(status) };
    },

    async lose(chunk: ClaimedChunk, reason: Reason): Promise<void> {
      const c = campaignKeys(chunk.campaign);
      const k = chunkKeys(chunk.campaign, chunk.nonce, chunk.chunk);
      const keys = [c.campaign, c.counters, k.chunk, k.states, k.records];
      await runScript(redis, scripts.lose, keys, [FORMAT, chunk.round, chunk.token, reasonNumber(reason)]);
    },
  };
}

/**
 * The highest count of settled outcomes of a campaign that its ledger ever told this process. A ledger that knows of fewer
 * is an older one, see `remember` in shared.lua.
 */
class Seen {
  readonly #counts = new Map<string, number>();

  of({ campaign, nonce }: Pick<ClaimedChunk, 'campaign' | 'nonce'>): number {
    return this.#counts.get(`${campaign} ${nonce}`) ?? 0;
  }

  add(chunk: Pick<ClaimedChunk, 'campaign' | 'nonce'>, count: number): void {
    const highest = Math.max(count, this.of(chunk));
    const key = `${chunk.campaign} ${chunk.nonce}`;
    // Last in order again, so that the one that goes is the one not heard of for longest.
    this.#counts.delete(key);
    this.#counts.set(key, highest);
    const oldest = this.#counts.keys().next();
    if (this.#counts.size > CAMPAIGNS_SEEN && !oldest.done) this.#counts.delete(oldest.value);
  }
}

/** Outcomes as settle.lua takes them; the relay's words once each. */
function packOutcomes(settlements: readonly Settlement[]): { packed: Buffer; texts: string[] } {
  const packed = Buffer.alloc(settlements.length * OUTCOME_BYTES);
  const texts: string[] = [];
  settlements.forEach(({ index, verdict }, i) => {
    const at = i * OUTCOME_BYTES;
    packed.writeUInt16BE(index, at);
    packed.write(VERBS[verdict.verb], at + 2, 'latin1');
    packed[at + 3] = reasonNumber(verdict.reason);
    packReply(packed, at + 4, verdict.reply);
    packed[at + 8] = refusalText(verdict, texts);
    packed[at + 9] = verdict.latencyMs === null ? 255 : latencyBucket(verdict.latencyMs);
    packed.writeUInt32BE(Math.min(verdict.delayMs, 2 ** 32 - 1), at + 10);
  });
  return { packed, texts };
}

function packReply(packed: Buffer, at: number, reply: Reply | null): void {
  packed.writeUInt16BE(reply?.code ?? 0, at);
  const [subject, detail] = reply?.enhanced ?? [255, 0];
  const storable = subject < 255 && detail <= 255;
  packed[at + 2] = storable ? subject : 255;
  packed[at + 3] = storable ? detail : 0;
}

/** The number of a refusal's words among the arguments, from 1; the words of an acceptance differ each time and say nothing. */
function refusalText({ reply }: Verdict, texts: string[]): number {
  if (!reply || reply.code < 400 || reply.text === '') return 0;
  const known = texts.indexOf(reply.text);
  return known >= 0 ? known + 1 : texts.push(reply.text);
}

function unpackIndices(packed: Buffer): number[] {
  const indices: number[] = [];
  for (let at = 0; at + 1 < packed.length; at += 2) indices.push(packed.readUInt16BE(at));
  return indices;
}

export function bytes(value: ScriptReply['values'][number] | undefined): Buffer {
  if (!Buffer.isBuffer(value)) throw new TypeError('a ledger script returned no bytes');
  return value;
}

export function refusal(status: string): Refusal {
  switch (status) {
    case 'missing':
    case 'format':
    case 'round':
    case 'phase':
    case 'paused':
    case 'lost':
      return status;
    default:
      throw new TypeError(`a ledger script returned ${status}`);
  }
}
