import type { Redis } from 'ioredis';

/** The Redis clock in epoch milliseconds: the one that all machines share. */
export async function redisNow(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
