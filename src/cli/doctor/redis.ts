import type { Log } from '../../pipeline/ports.js';
import { openRedis } from '../../redis/connect.js';
import { ensureServer } from '../../redis/embedded.js';
import { examineRedis } from '../../redis/examine.js';
import { findServerBinary, type ServerPlaces } from '../../redis/find-server.js';
import { describeTarget, type RedisTarget } from '../../redis/target.js';
import { type Examined, ok, problemOf, warning } from './verdict.js';

type Redis = Awaited<ReturnType<typeof openRedis>>;

const FIRST_CONNECT_MS = 5_000;
const PINGS = 21;
/** Each batch of messages waits for two answers of Redis. */
const SLOW_MS = 20;
const CLOCK_OFF_MS = 2_000;

export interface Embedded {
  readonly home: string;
  readonly places: ServerPlaces;
}

/** A Redis of the user's, by its URL. */
export function examineOwnRedis(url: string, log: Log): Promise<Examined[]> {
  return examineAt({ kind: 'url', url }, log);
}

/** The embedded one: which binary there is, and whether it runs, which a command that needs it would start, too. */
export async function examineEmbedded({ home, places }: Embedded, log: Log): Promise<Examined[]> {
  try {
    const { bin, from } = findServerBinary(places);
    const found = ok(
      'redis-binary',
      `the embedded Redis is ${bin}, found ${from === 'PATH' ? 'on the PATH' : `by ${from}`}`,
    );
    try {
      const { path, pid, started } = await ensureServer({ home, bin: () => bin, log });
      const runs = ok('redis-running', `it ${started ? 'was started now' : 'runs'}, pid ${pid}, data in ${home}`);
      return [found, runs, ...(await examineAt({ kind: 'socket', path }, log))];
    } catch (error) {
      return [found, problemOf('redis-running', error)];
    }
  } catch (error) {
    return [problemOf('redis-binary', error)];
  }
}

async function examineAt(target: RedisTarget, log: Log): Promise<Examined[]> {
  let redis: Redis;
  try {
    redis = await openRedis(target, { name: 'fanmail-doctor', log, firstConnectMs: FIRST_CONNECT_MS });
  } catch (error) {
    return [problemOf('redis-connect', error)];
  }
  try {
    const connected = ok('redis-connect', `Redis answers at ${describeTarget(target)}`);
    return [connected, ...(await suitability(redis)), await examineLatency(redis), await examineClock(redis)];
  } finally {
    redis.disconnect();
  }
}

async function suitability(redis: Redis): Promise<Examined[]> {
  try {
    const { findings } = await examineRedis(redis);
    // The text of a warning says what to set.
    return findings.map(({ level, text }, index) => {
      const name = ['redis-version', 'redis-eviction', 'redis-persistence', 'redis-cluster'][index] ?? 'redis';
      return level === 'ok' ? ok(name, text) : warning(name, text, null);
    });
  } catch (error) {
    return [problemOf('redis-version', error)];
  }
}

async function examineLatency(redis: Redis): Promise<Examined> {
  const times: number[] = [];
  for (let i = 0; i < PINGS; i++) {
    const began = performance.now();
    await redis.ping();
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const median = times[PINGS >> 1] ?? 0;
  const text = `a round trip to Redis takes ${median.toFixed(median < 10 ? 2 : 0)} ms`;
  if (median <= SLOW_MS) return ok('redis-latency', text);
  return warning('redis-latency', text, 'Sending waits for Redis: run the workers near it.');
}

async function examineClock(redis: Redis): Promise<Examined> {
  const before = Date.now();
  const [seconds, micros] = await redis.time();
  const here = (before + Date.now()) / 2;
  const off = Number(seconds) * 1_000 + Number(micros) / 1_000 - here;
  const text = `the clock of Redis is ${Math.abs(off) < 100 ? 'the one here' : `${(Math.abs(off) / 1_000).toFixed(1)} s ${off > 0 ? 'ahead' : 'behind'}`}`;
  if (Math.abs(off) <= CLOCK_OFF_MS) return ok('clock', text);
  return warning('clock', text, 'Set both clocks by NTP: messages get their Date here, and reports their times there.');
}
