import type { Redis } from 'ioredis';

/** Of what Redis may still take, so much is for contents; the rest is for the ledger, the queue, and other campaigns. */
const SHARE = 0.8;
/** Of a machine's memory, where Redis has no limit of its own. */
const SHARE_OF_MACHINE = 0.5;

/** Bytes of contents that this Redis has room for; Infinity where it doesn't tell. */
export async function roomIn(redis: Redis): Promise<number> {
  const info = await redis.info('memory').catch(() => '');
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN);
  const limit = field('maxmemory') || field('total_system_memory') * SHARE_OF_MACHINE;
  const room = (limit - field('used_memory')) * SHARE;
  return Number.isFinite(room) ? Math.max(0, room) : Number.POSITIVE_INFINITY;
}
