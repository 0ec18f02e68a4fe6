import type { Redis } from 'ioredis';
import { FanmailError } from '../domain/errors.js';

export interface Finding {
  readonly level: 'ok' | 'warn';
  /** One sentence for a person. */
  readonly text: string;
}

/** What a Redis is like, as far as it tells. null: it doesn't say, as managed ones that refuse CONFIG or INFO. */
export interface RedisFindings {
  readonly version: string | null;
  readonly maxmemoryPolicy: string | null;
  /** 0: no limit. */
  readonly maxmemoryBytes: number | null;
  readonly usedMemoryBytes: number | null;
  readonly persistence: 'aof' | 'rdb' | 'none' | null;
  /** Of the append-only file. */
  readonly appendfsync: string | null;
  readonly findings: readonly Finding[];
}

const LEAST = [5, 0] as const;
const ADVISED = [6, 2] as const;

/**
 * Looks at version, eviction and persistence, changing nothing.
 * @throws FanmailError REDIS_UNSUITABLE for a version before 5, or a read-only replica.
 */
export async function examineRedis(redis: Redis): Promise<RedisFindings> {
  const info = await readInfo(redis);
  const settings = await readSettings(redis);
  const version = info.get('redis_version') ?? null;
  refuseUnsuitable(version, info);
  const facts = {
    version,
    maxmemoryPolicy: settings.get('maxmemory-policy') ?? info.get('maxmemory_policy') ?? null,
    maxmemoryBytes: numberOf(settings.get('maxmemory') ?? info.get('maxmemory')),
    usedMemoryBytes: numberOf(info.get('used_memory')),
    persistence: persistenceOf(info, settings),
    appendfsync: settings.get('appendfsync') ?? null,
  };
  const findings = [aboutVersion(facts), aboutEviction(facts), aboutPersistence(facts), ...aboutCluster(info)];
  return { ...facts, findings };
}

type Facts = Omit<RedisFindings, 'findings'>;

async function readInfo(redis: Redis): Promise<Map<string, string>> {
  const text = await orRefused(redis.info(), '');
  return new Map(
    text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':');
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)] as const] : [];
    }),
  );
}

async function readSettings(redis: Redis): Promise<Map<string, string>> {
  const settings = new Map<string, string>();
  // One by one: several names in one CONFIG GET are new in Redis 7.
  for (const name of ['maxmemory-policy', 'maxmemory', 'appendonly', 'appendfsync', 'save']) {
    const reply: unknown = await orRefused(redis.call('CONFIG', 'GET', name), []);
    if (Array.isArray(reply) && typeof reply[1] === 'string') settings.set(name, reply[1]);
  }
  return settings;
}

/** A command that the server refuses tells nothing; a broken connection is not for here. */
async function orRefused<T>(reply: Promise<T>, instead: T): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return instead;
    throw error;
  }
}

function refuseUnsuitable(version: string | null, info: ReadonlyMap<string, string>): void {
  if (version !== null && isBefore(version, LEAST)) {
    throw new FanmailError('REDIS_UNSUITABLE', `This Redis is version ${version}; fanmail needs 5.0 or newer.`, {
      hint: 'Use Redis 6.2 or newer, or Valkey.',
    });
  }
  if (info.get('role') === 'slave') {
    throw new FanmailError('REDIS_UNSUITABLE', 'This Redis is a read-only replica.', {
      hint: `Give the address of its master${info.get('master_host') ? `, ${info.get('master_host')}` : ''}.`,
    });
  }
}

function aboutVersion({ version }: Facts): Finding {
  if (version === null) return warn('Redis does not tell its version; 6.2 or newer is advised.');
  if (isBefore(version, ADVISED)) return warn(`Redis ${version} works, but 6.2 or newer is advised.`);
  return ok(`Redis ${version}.`);
}

function aboutEviction({ maxmemoryPolicy: policy, maxmemoryBytes: limit }: Facts): Finding {
  if (policy === null) {
    return warn(
      'Redis does not tell its maxmemory-policy: unless it is noeviction, records of who was sent to can vanish.',
    );
  }
  if (policy === 'noeviction') return ok('maxmemory-policy is noeviction.');
  const now = limit === 0 ? ' No memory limit is set now, so nothing is evicted yet.' : '';
  return warn(
    `maxmemory-policy is ${policy}: when memory runs short, Redis deletes campaigns and the record of who was sent to. Set it to noeviction.${now}`,
  );
}

function aboutPersistence({ persistence, appendfsync }: Facts): Finding {
  switch (persistence) {
    case 'aof':
      if (appendfsync === 'always') return ok('Every write is on disk before it is acknowledged (appendfsync always).');
      if (appendfsync === 'no') {
        return warn('appendfsync is no: after a power cut, what was sent in about the last 30 s can be sent twice.');
      }
      return warn(
        `appendfsync is ${appendfsync ?? 'not told (everysec is usual)'}: after a power cut, what was sent in the last second or two can be sent twice.`,
      );
    case 'rdb':
      return warn('Redis only writes snapshots: after a crash, everything since the last one can be sent twice.');
    case 'none':
      return warn(
        'Redis writes nothing to disk: after a restart of it, campaigns and the record of who was sent to are gone.',
      );
    default:
      return warn('Redis does not tell how it persists: what it loses in a crash can be sent twice.');
  }
}

function aboutCluster(info: ReadonlyMap<string, string>): Finding[] {
  if (info.get('cluster_enabled') !== '1') return [];
  return [warn('Redis runs in cluster mode; fanmail talks to this one node, which must hold all slots.')];
}

function persistenceOf(info: ReadonlyMap<string, string>, settings: ReadonlyMap<string, string>): Facts['persistence'] {
  if (settings.get('appendonly') === 'yes' || info.get('aof_enabled') === '1') return 'aof';
  const save = settings.get('save');
  if (save === undefined) return null;
  return save === '' ? 'none' : 'rdb';
}

function isBefore(version: string, [major, minor]: readonly [number, number]): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number);
  return a < major || (a === major && b < minor);
}

function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

const ok = (text: string): Finding => ({ level: 'ok', text });
const warn = (text: string): Finding => ({ level: 'warn', text });
