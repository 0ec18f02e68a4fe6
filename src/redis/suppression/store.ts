import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { FanmailError } from '../../domain/errors.js';
import type { SuppressionItem } from '../../domain/suppression.js';
import type {
  LinkSecrets,
  Suppression,
  SuppressionStanding,
  UnsubscribeStore,
} from '../../pipeline/suppression-ports.js';
import { SUPPRESSION_LIST, SUPPRESSION_TOPICS, suppressionBucket } from '../keys.js';
import { loadScript, type Reply, runScript, type Script } from '../script.js';
import { packHashes, packNew, placeOf, type SuppressionEntry, unpackItems, unpackPage } from './layout.js';

/** The format of the list that this version reads and writes. */
const FORMAT = '1';
/** Addresses of one call: a script must not block Redis for long. */
const BATCH = 1_000;
const BUCKETS = 524_288;
const BUCKETS_OF_PAGE = 4_000;
/** A list whose secret changes under a caller was empty a moment ago: hardly ever, and not again and again. */
const MOST_TRIES = 5;

/** The suppression list with what only its own command does. */
export interface SuppressionStore extends Suppression, UnsubscribeStore, LinkSecrets {
  /** Takes a secret from elsewhere; false where the list has addresses, or links, under another one. */
  adopt(secret: string): Promise<boolean>;
  /** Why an address is suppressed; empty where it isn't. */
  find(address: string): Promise<readonly SuppressionItem[]>;
  /** The whole list in parts, in no order; what changes meanwhile may be in it or not. */
  pages(): AsyncIterable<readonly SuppressionEntry[]>;
}

/** A secret, and a short hash of it, by which the scripts know whether it is still theirs. */
interface Key {
  readonly secret: string;
  readonly id: string;
}

export function createSuppression(redis: Redis): SuppressionStore {
  const script = (name: string) => loadScript(name, 'suppression');
  const scripts = {
    open: script('open'),
    adopt: script('adopt'),
    add: script('add'),
    remove: script('remove'),
    check: script('check'),
    page: script('page'),
    link: script('link'),
  };
  let held: Key | null = null;

  async function readKey(): Promise<Key | null> {
    if (held) return held;
    const [format, secret] = await redis.hmget(SUPPRESSION_LIST, 'format', 'secret');
    if (format !== null && format !== FORMAT) throw otherFormat();
    held = secret ? keyFrom(secret) : null;
    return held;
  }

  async function makeKey(): Promise<Key> {
    const known = await readKey();
    if (known) return known;
    const { secret, id } = keyFrom(randomBytes(32).toString('hex'));
    const { status, values } = await runScript(redis, scripts.open, [SUPPRESSION_LIST], [FORMAT, secret, id]);
    if (status !== 'ok') throw otherFormat();
    held = keyFrom(String(values[0]));
    return held;
  }

  /** Runs a script under the list's key; anew where that is another one by now. Null where there is no list. */
  async function run(
    chosen: Script,
    key: () => Promise<Key | null>,
    args: (secret: string) => readonly (string | number | Buffer)[],
  ): Promise<Reply | null> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const now = await key();
      if (!now) return null;
      const reply = await runScript(redis, chosen, [SUPPRESSION_LIST], [FORMAT, now.id, ...args(now.secret)]);
      if (reply.status === 'format') throw otherFormat();
      if (reply.status !== 'key' && reply.status !== 'missing') return reply;
      held = null;
    }
    throw new Error('the secret of the suppression list changes again and again');
  }

  async function added(
    topic: string | null,
    key: () => Promise<Key>,
    packed: (secret: string) => Buffer,
  ): Promise<number> {
    const reply = await run(scripts.add, key, (secret) => [topic ?? '', packed(secret)]);
    if (reply?.status === 'topics') throw tooManyTopics(topic);
    return Number(reply?.values[0] ?? 0);
  }

  async function topicNames(): Promise<ReadonlyMap<number, string>> {
    const numbers = await redis.hgetall(SUPPRESSION_TOPICS);
    return new Map(Object.entries(numbers).map(([name, number]) => [Number(number), name]));
  }

  return {
    async standing(): Promise<SuppressionStanding> {
      const [format, version, entries] = await redis.hmget(SUPPRESSION_LIST, 'format', 'version', 'entries');
      if (format !== null && format !== FORMAT) throw otherFormat();
      return { version: Number(version ?? 0), entries: Number(entries ?? 0) };
    },

    async check(addresses, topic) {
      const found: number[] = [];
      for (let from = 0; from < addresses.length; from += BATCH) {
        const some = addresses.slice(from, from + BATCH);
        const reply = await run(scripts.check, readKey, (secret) => [topic ?? '', packHashes(secret, some)]);
        if (reply === null) break;
        const marks = bytesOf(reply.values[0]);
        for (let i = 0; i < marks.length; i++) if (marks[i] !== 0) found.push(from + i);
      }
      return found;
    },

    add: (addresses, topic, why) =>
      inBatches(addresses, (some) =>
        added(topic, makeKey, (secret) => packNew(some.map((address) => ({ hash: hashOf(secret, address), why })))),
      ),

    remove: (addresses, topic) =>
      inBatches(addresses, async (some) => {
        const reply = await run(scripts.remove, readKey, (secret) => [topic ?? '', packHashes(secret, some)]);
        return Number(reply?.values[0] ?? 0);
      }),

    async secret() {
      held = null;
      return (await readKey())?.secret ?? null;
    },

    async linkSecret() {
      let secret = '';
      await run(scripts.link, makeKey, (now) => {
        secret = now;
        return [];
      });
      return secret;
    },

    async adopt(secret) {
      const { id } = keyFrom(secret);
      const { status } = await runScript(redis, scripts.adopt, [SUPPRESSION_LIST], [FORMAT, secret, id]);
      if (status === 'format') throw otherFormat();
      held = null;
      return status === 'ok';
    },

    async find(address) {
      const key = await readKey();
      if (!key) return [];
      const { bucket, field } = placeOf(hashOf(key.secret, address));
      const value = await redis.hgetBuffer(suppressionBucket(bucket), field);
      return value ? unpackItems(value, await topicNames()) : [];
    },

    async *pages() {
      for (let bucket = 0; bucket < BUCKETS; ) {
        const from = bucket;
        const reply = await run(scripts.page, readKey, () => [from, BATCH, BUCKETS_OF_PAGE]);
        if (reply === null) return;
        bucket = Number(reply.values[0]);
        const packed = bytesOf(reply.values[1]);
        if (packed.length > 0) yield unpackPage(packed, await topicNames());
      }
    },

    addHashes: (secret, items, topic) =>
      inBatches(items, (some) =>
        added(
          topic,
          async () => keyFrom(secret),
          () => packNew(some),
        ),
      ),
  };
}

function hashOf(secret: string, address: string): Buffer {
  return packHashes(secret, [address]);
}

function keyFrom(secret: string): Key {
  return { secret, id: createHash('sha256').update(`key ${secret}`).digest('hex').slice(0, 16) };
}

/** One batch after the other, so that Redis can serve others in between; the sum of what each returns. */
async function inBatches<T>(items: readonly T[], act: (some: readonly T[]) => Promise<number>): Promise<number> {
  let sum = 0;
  for (let from = 0; from < items.length; from += BATCH) sum += await act(items.slice(from, from + BATCH));
  return sum;
}

function bytesOf(value: Reply['values'][number] | undefined): Buffer {
  if (!Buffer.isBuffer(value)) throw new TypeError('a script of the suppression list returned no bytes');
  return value;
}

function otherFormat(): FanmailError {
  return new FanmailError('LEDGER_FORMAT', `the suppression list has another format than this version's, ${FORMAT}`, {
    hint: 'use the version of fanmail that made it; nothing is sent while the list can not be read',
  });
}

function tooManyTopics(topic: string | null): FanmailError {
  return new FanmailError('OPTION_INVALID', `the topic "${topic}" is one too many: there are 4,095 already`, {
    hint: 'Allowed: a topic that is there; fewer topics, each for more campaigns, do as well.',
  });
}
