import { type Backend, openBackend } from '../backend.js';
import type { Secret } from '../config/secret.js';
import type { Campaign } from '../domain/campaign.js';
import { FanmailError } from '../domain/errors.js';
import type { Log } from '../pipeline/ports.js';
import { openRedis } from '../redis/connect.js';
import { ensureServer } from '../redis/embedded.js';
import { examineRedis } from '../redis/examine.js';
import { cacheFolder, findServerBinary, type ServerPlaces } from '../redis/find-server.js';
import { findHome, hasServer } from '../redis/home.js';
import { listCampaigns } from '../redis/ledger/campaigns.js';
import { describeTarget, type RedisTarget } from '../redis/target.js';
import type { Session } from './session.js';
import type { Terminal } from './terminal.js';

const FIRST_CONNECT_MS = 5_000;
/** The newest campaigns, among which a shortened id is looked for. */
const SEARCHED = 10_000;

/** Which Redis a command talks to. */
export interface RedisChoice {
  /** Null: the embedded one. */
  readonly redis: Secret | null;
  /** The folder of the embedded one, or null for the nearest. */
  readonly home: string | null;
}

export interface Context {
  readonly backend: Backend;
  readonly target: RedisTarget;
  /** The folder of the embedded Redis; null with one of the user's own. */
  readonly home: string | null;
}

/** Connects a command to its Redis: the user's, or the embedded one, which is started where it doesn't run. */
export async function openContext(choice: RedisChoice, session: Session, name: string): Promise<Context> {
  const { log } = session;
  if (choice.redis !== null) {
    const target: RedisTarget = { kind: 'url', url: choice.redis.reveal() };
    return { backend: await connectBackend(target, log, name), target, home: null };
  }
  const home = homeOf(choice, session);
  const { path } = await ensureServer({ home, bin: () => findServerBinary(serverPlaces(session)).bin, log });
  const target: RedisTarget = { kind: 'socket', path };
  return { backend: await connectBackend(target, log, name), target, home };
}

/** The same for a command that can do without: null where no Redis was ever used here, or it can't be reached, which is said. */
export async function contextAtHand(choice: RedisChoice, session: Session, name: string): Promise<Context | null> {
  if (choice.redis === null && !hasServer({ cwd: session.cwd, home: choice.home ?? undefined })) return null;
  try {
    return await openContext(choice, session, name);
  } catch (error) {
    if (!(error instanceof FanmailError)) throw error;
    session.terminal.say(`The suppression list was not asked: ${error.message}`);
    return null;
  }
}

/** fanmail's own folder, where the embedded Redis lives; made where there is none. */
export function homeOf(choice: Pick<RedisChoice, 'home'>, { cwd }: Session): string {
  return findHome({ cwd, home: choice.home ?? undefined });
}

export function serverPlaces({ places }: Session): ServerPlaces {
  const { redisBin, path, xdgCacheHome, userHome } = places;
  return { bin: redisBin, path, cache: cacheFolder({ XDG_CACHE_HOME: xdgCacheHome, HOME: userHome }) };
}

async function connectBackend(target: RedisTarget, log: Log, name: string): Promise<Backend> {
  return openBackend(await openRedis(target, { name: `fanmail-${name}`, log, firstConnectMs: FIRST_CONNECT_MS }));
}

/** Says plainly what is at risk with a Redis of the user's. */
export async function sayFindings(context: Context, terminal: Terminal): Promise<void> {
  if (context.home !== null) return;
  const { findings } = await examineRedis(context.backend.redis);
  for (const { level, text } of findings) {
    if (level === 'warn') terminal.say(`Warning, Redis at ${describeTarget(context.target)}: ${text}`);
  }
}

/** The campaign that is meant: the one named, else the newest. */
export async function pickCampaign(backend: Backend, id: string | null): Promise<Campaign> {
  if (id !== null) {
    const campaign = (await backend.campaigns.get(id)) ?? (await byPrefix(backend, id));
    if (campaign) return campaign;
    throw new FanmailError('CAMPAIGN_UNKNOWN', `there is no campaign whose id is or begins with ${id}`, {
      hint: await knownIds(backend),
    });
  }
  for (const newest of await listCampaigns(backend.redis, 20)) {
    const campaign = await backend.campaigns.get(newest);
    if (campaign) return campaign;
  }
  throw new FanmailError('CAMPAIGN_UNKNOWN', 'there is no campaign in this Redis yet', {
    hint: 'fanmail launch list.csv --template newsletter --from you@example.com begins one; FANMAIL_HOME or REDIS_URL name another Redis',
  });
}

/** A long id may be cut to what only it begins with. */
async function byPrefix(backend: Backend, prefix: string): Promise<Campaign | null> {
  const ids = (await listCampaigns(backend.redis, SEARCHED)).filter((id) => id.startsWith(prefix));
  const [only] = ids;
  if (only === undefined) return null;
  if (ids.length === 1) return backend.campaigns.get(only);
  throw new FanmailError('CAMPAIGN_UNKNOWN', `${ids.length} campaigns begin with ${prefix}`, {
    hint: `type more of the id: ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', …' : ''}`,
  });
}

async function knownIds(backend: Backend): Promise<string> {
  const ids = await listCampaigns(backend.redis, 5);
  return ids.length > 0
    ? `the newest are ${ids.join(', ')}; fanmail list shows all`
    : 'this Redis has no campaign at all';
}
