import type { Redis } from 'ioredis';
import { SWEEP_LOCK } from './keys.js';

/** Whether it is this caller's turn to sweep: one place at a time, and again after `ms` milliseconds. */
export async function takeSweepTurn(redis: Redis, ms: number): Promise<boolean> {
  return (await redis.set(SWEEP_LOCK, '1', 'PX', ms, 'NX')) === 'OK';
}
