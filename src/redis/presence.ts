import type { Redis } from 'ioredis';
import type { Presence, WorkerWord } from '../pipeline/ports.js';
import { redisNow } from './clock.js';
import { WORKERS } from './keys.js';

/** A worker that was silent for so long is not counted. */
const SILENT_MS = 15_000;

/** Which workers there are, by what each says of itself every few seconds. */
export function createPresence(redis: Redis): Presence {
  return {
    async say(word: Omit<WorkerWord, 'at'>): Promise<void> {
      await redis.hset(WORKERS, word.id, JSON.stringify({ ...word, at: await redisNow(redis) }));
    },
    async leave(id: string): Promise<void> {
      await redis.hdel(WORKERS, id);
    },
    async present(): Promise<readonly WorkerWord[]> {
      const now = await redisNow(redis);
      const words = Object.entries(await redis.hgetall(WORKERS)).map(([id, text]) => ({ id, word: parse(text) }));
      const silent = words.filter(({ word }) => !word || now - word.at > 4 * SILENT_MS).map(({ id }) => id);
      if (silent.length > 0) await redis.hdel(WORKERS, ...silent);
      return words.flatMap(({ word }) => (word && now - word.at <= SILENT_MS ? [word] : []));
    },
  };
}

function parse(text: string): WorkerWord | null {
  try {
    return JSON.parse(text) as WorkerWord;
  } catch {
    return null;
  }
}
