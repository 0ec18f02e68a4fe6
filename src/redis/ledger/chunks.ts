import { randomInt } from 'node:crypto';
import type { Writable } from 'node:stream';
import type { Redis } from 'ioredis';
import { FORMAT } from '../../domain/campaign.js';
import { latencyBucket } from '../../domain/latency.js';
import type { Reply } from '../../domain/outcome.js';
import type { Reason } from '../../domain/record.js';
import { REPLY_CLASSES } from '../../domain/reply-class.js';
import { reasonNumber, VERBS, type Verb, type Verdict } from '../../domain/verdict.js';
import type {
  Begun,
  ChunkLedger,
  ChunkRef,
  Claim,
  ClaimedChunk,
  Closed,
  Finish,
  Refusal,
  Settlement,
  Turn,
} from '../../pipeline/ports.js';
import { campaignKeys, chunkKeys, stagingKeys } from '../keys.js';
import { ReadyScript } from '../ready-script.js';
import { loadScript, runScript, type Reply as ScriptReply } from '../script.js';

/** Claims without any progress after which a chunk counts as lost, so that a poisonous one can't loop for ever. */
const MAX_FRUITLESS_CLAIMS = 20;
/** Of one outcome in what turn.lua takes. */
const OUTCOME_BYTES = 18;
/** The byte of each verb there. */
const VERB_CODES = Object.fromEntries(
  Object.entries(VERBS).map(([verb, letter]) => [verb, letter.charCodeAt(0)]),
) as Record<Verb, number>;
/** The words before what was granted in what turn.lua returns. */
const WORDS_MOST = 64;
/** Campaigns whose count of settled outcomes a process remembers. */
const CAMPAIGNS_SEEN = 1_000;
/** Outcomes of one call: the number of a reply's words has to fit a byte, and a script must not block Redis for long. */
const MAX_OUTCOMES = 250;

/** The chunks' side of the ledger: claim, turn, finish, lose. */
export function createChunkLedger(redis: Redis): ChunkLedger {
  const scripts = {
    claim: loadScript('claim'),
    turn: loadScript('turn'),
    finish: loadScript('finish'),
    lose: loadScript('lose'),
  };
  const seen = new Seen();
  /** What is the same in all turns of a claimed chunk. */
  const known = new WeakMap<ClaimedChunk, { readonly script: ReadyScript; readonly counted: Counted }>();

  function knownOf(chunk: ClaimedChunk) {
    const found = known.get(chunk);
    if (found) return found;
    const { campaign, nonce } = chunk;
    const keys = [campaignKeys(campaign).campaign, chunkKeys(campaign, nonce, chunk.chunk).chunk];
    const made = { script: new ReadyScript(redis, scripts.turn, keys), counted: seen.of(campaign, nonce) };
    known.set(chunk, made);
    return made;
  }

  function turn(chunk: ClaimedChunk, settlements: readonly Settlement[], indices: readonly number[]): Promise<Turn> {
    if (settlements.length <= MAX_OUTCOMES) return oneTurn(chunk, settlements, indices);
    // Outcomes go before intents: commands of one connection keep their order.
    const first = oneTurn(chunk, settlements.slice(0, MAX_OUTCOMES), []);
    const rest = turn(chunk, settlements.slice(MAX_OUTCOMES), indices);
    return Promise.all([rest, first]).then(([last]) => last);
  }

  function oneTurn(chunk: ClaimedChunk, settlements: readonly Settlement[], indices: readonly number[]): Promise<Turn> {
    const { packed, texts } = packOutcomes(settlements);
    const intents = packIndices(indices);
    const { script, counted } = knownOf(chunk);
    const head = `${FORMAT} ${chunk.round} ${chunk.token} ${chunk.chunk} ${counted.highest}`;
    return script.run([head, packed, intents, ...texts]).then((reply) => {
      const { settled, begun, count, granted } = readTurn(reply);
      if (settled === 'ok' || settled === 'fenced') raise(counted, count);
      return { settled, begun: begunOf(begun, granted, indices) };
    });
  }

  return {
    async claim(ref: ChunkRef, nonce: string): Promise<Claim> {
      const token = randomInt(1, 2 ** 32 - 1);
      const counted = seen.of(ref.campaign, nonce);
      const c = campaignKeys(ref.campaign);
      const k = chunkKeys(ref.campaign, nonce, ref.chunk);
      const done = stagingKeys(ref.campaign, nonce).done;
      const keys = [c.campaign, c.counters, k.chunk, k.states, k.records, done, c.waits];
      const args = [FORMAT, ref.round, token, ref.chunk, MAX_FRUITLESS_CLAIMS, counted.highest];
      const { status, values } = await runScript(redis, scripts.claim, keys, args);
      if (status === 'finished' || status === 'judge') return { kind: status };
      if (status === 'closed') return closed(values);
      if (status === 'held') return { kind: 'held', waitMs: Number(values[0]) };
      if (status !== 'ok') return { kind: 'refused', why: refusal(status) };
      const { campaign, round, chunk } = ref;
      const [states, records, sinceOpeningMs] = [bytes(values[1]), bytes(values[2]), Number(values[3])];
      const part = Number(values[5]);
      const claim: ClaimedChunk = { campaign, round, chunk, nonce, token, states, records, sinceOpeningMs, part };
      raise(counted, Number(values[4]));
      return { kind: 'claimed', claim };
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

    turn,

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
interface Counted {
  highest: number;
}

function raise(counted: Counted, count: number): void {
  if (count > counted.highest) counted.highest = count;
}

/** The counts of the campaigns that this process sends, or sent last. */
class Seen {
  readonly #counts = new Map<string, Counted>();

  of(campaign: string, nonce: string): Counted {
    const key = `${campaign} ${nonce}`;
    const counted = this.#counts.get(key) ?? { highest: 0 };
    // Last in order again, so that the one that goes is the one not asked for longest.
    this.#counts.delete(key);
    this.#counts.set(key, counted);
    const oldest = this.#counts.keys().next();
    if (this.#counts.size > CAMPAIGNS_SEEN && !oldest.done) this.#counts.delete(oldest.value);
    return counted;
  }
}

/** Outcomes as turn.lua takes them; the relay's words once each. */
function packOutcomes(settlements: readonly Settlement[]): { packed: Buffer; texts: string[] } {
  // Of Node's pool, which a Buffer of zeros is not: every byte is written.
  const packed = Buffer.allocUnsafe(settlements.length * OUTCOME_BYTES);
  const texts: string[] = [];
  let at = 0;
  for (const { index, verdict, route } of settlements) {
    packed.writeUInt16BE(index, at);
    packed[at + 2] = VERB_CODES[verdict.verb];
    packed[at + 3] = reasonNumber(verdict.reason);
    packReply(packed, at + 4, verdict.reply);
    packed[at + 8] = refusalText(verdict, texts);
    packed[at + 9] = verdict.latencyMs === null ? 255 : latencyBucket(verdict.latencyMs);
    packed.writeUInt32BE(Math.min(verdict.delayMs, 2 ** 32 - 1), at + 10);
    packed[at + 14] = verdict.replyClass === null ? 0 : REPLY_CLASSES.indexOf(verdict.replyClass) + 1;
    packed[at + 15] = route ?? 0;
    packed.writeUInt16BE(0, at + 16);
    at += OUTCOME_BYTES;
  }
  return { packed, texts };
}

function packReply(packed: Buffer, at: number, reply: Reply | null): void {
  packed.writeUInt16BE(reply?.code ?? 0, at);
  const enhanced = reply?.enhanced;
  const storable = enhanced !== undefined && enhanced[0] < 255 && enhanced[1] <= 255;
  packed[at + 2] = storable ? enhanced[0] : 255;
  packed[at + 3] = storable ? enhanced[1] : 0;
}

/** The number of a refusal's words among the arguments, from 1; the words of an acceptance differ each time and say nothing. */
function refusalText({ reply }: Verdict, texts: string[]): number {
  if (!reply || reply.code < 400 || reply.text === '') return 0;
  const known = texts.indexOf(reply.text);
  return known >= 0 ? known + 1 : texts.push(reply.text);
}

function packIndices(indices: readonly number[]): Buffer {
  const packed = Buffer.allocUnsafe(indices.length * 2);
  for (let i = 0; i < indices.length; i++) packed.writeUInt16BE(indices[i] as number, i * 2);
  return packed;
}

/** What turn.lua returned. */
function readTurn(reply: Buffer) {
  const text = reply.toString('latin1', 0, WORDS_MOST);
  const first = text.indexOf(' ');
  const second = text.indexOf(' ', first + 1);
  const third = text.indexOf(' ', second + 1);
  return {
    settled: settledWord(text.slice(0, first)),
    begun: text.slice(first + 1, second),
    count: Number(text.slice(second + 1, third)),
    granted: reply.subarray(third + 1),
  };
}

function settledWord(status: string): Turn['settled'] {
  return status === 'ok' || status === 'fenced' || status === 'closed' ? status : 'refused';
}

function begunOf(status: string, granted: Buffer, asked: readonly number[]): Begun {
  if (status === 'all') return { kind: 'granted', indices: asked };
  if (status === 'fenced' || status === 'cancelling' || status === 'expired' || status === 'waits')
    return { kind: 'stopped', why: status };
  if (status !== 'ok') return { kind: 'stopped', why: refusal(status) };
  const indices: number[] = [];
  for (let at = 0; at + 1 < granted.length; at += 2) indices.push(granted.readUInt16BE(at));
  return { kind: 'granted', indices };
}

export function bytes(value: ScriptReply['values'][number] | undefined): Buffer {
  if (!Buffer.isBuffer(value)) throw new TypeError('a ledger script returned no bytes');
  return value;
}

export function closed([waitMs, now]: ScriptReply['values']): Closed {
  return { kind: 'closed', waitMs: Number(waitMs), now: Number(now) };
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
