import { setTimeout as wait } from 'node:timers/promises';
import { childrenOf, signal } from '../faults/field.js';
import { until } from '../support/cli.js';
import { fate } from './dice.js';
import type { Ground } from './ground.js';
import type { CampaignPlan, Deed } from './world.js';

/** What was done, and what it may have cost. */
export interface Done {
  readonly said: string;
  /** Messages that were on the wire of whom it hit: so many may be unknown, or go out twice with `resend`. */
  readonly wire: number;
  readonly kills?: number;
  readonly freezes?: number;
  readonly redisRestarts?: number;
  readonly breach?: string;
  /** Ended later by itself, such as a freeze. */
  readonly later?: Promise<void>;
}

/** Less than this, and no lock of a job is lost: it lives for 15 s and is renewed every 7.5 s. */
const UNFELT_MS = 5_000;
const UNSEALED_MS = 61_000;

/** Does one deed of the script. Throws where the ground itself fails. */
export async function perform(deed: Deed, ground: Ground, plans: readonly CampaignPlan[]): Promise<Done> {
  const { crews, redis, client } = ground;
  switch (deed.do) {
    case 'kill':
      return killOne(deed.crew, deed.process, ground);
    case 'kill-all': {
      const pids = crews.live.flatMap(({ running }) => childrenOf(running.child));
      for (const pid of pids) signal(pid, 'SIGKILL');
      return { said: `killed all ${pids.length} worker processes`, wire: crews.wire(), kills: pids.length };
    }
    case 'kill-everything':
      return killEverything(deed.ms, ground);
    case 'kill-command':
    case 'deploy': {
      const crew = crews.pick(deed.crew);
      if (!crew) return { said: 'no crew', wire: 0 };
      if (deed.do === 'kill-command') {
        await crews.killCommand(crew);
        await ground.startCrew(crew.shape);
        return { said: 'killed a worker command, not its processes, and started another', wire: 0, kills: 1 };
      }
      await ground.startCrew(crew.shape);
      const code = await crews.stop(crew);
      const said = `deployed a crew: the old one ended with ${code}`;
      return { said, wire: 0, ...(code === 0 ? {} : { breach: `a crew told to stop ended with ${code}` }) };
    }
    case 'freeze':
      return freeze(deed.crew, deed.process, deed.ms, ground);
    case 'redis-kill':
      await redis.kill();
      await wait(deed.ms);
      await ground.startRedis();
      return { said: `killed Redis, back after ${deed.ms} ms`, wire: 0, redisRestarts: 1 };
    case 'redis-freeze':
      signal(redis.pid, 'SIGSTOP');
      await wait(deed.ms);
      signal(redis.pid, 'SIGCONT');
      return { said: `froze Redis for ${deed.ms} ms`, wire: felt(deed.ms, ground), freezes: 1 };
    case 'redis-full':
      await client.config('SET', 'maxmemory', '1');
      await wait(deed.ms);
      await client.config('SET', 'maxmemory', '0');
      return { said: `Redis was full for ${deed.ms} ms`, wire: felt(deed.ms, ground) };
    case 'relay-kill':
      await ground.relay().end('SIGKILL');
      await wait(deed.ms);
      await ground.startRelay();
      return { said: `killed the relay, back after ${deed.ms} ms`, wire: crews.wire(), kills: 1 };
    case 'queue-gone':
      return loseJobs(() => true, ground);
    case 'queue-holes':
      return loseJobs((key) => fate(deed.salt, key) < deed.share, ground);
    case 'pause':
      return pause(plans[deed.campaign]?.id ?? '', deed.ms, ground);
    case 'cancel': {
      const id = plans[deed.campaign]?.id ?? '';
      const { code } = await ground.place.run(['cancel', id]);
      return { said: `cancel ${id} ended with ${code}`, wire: 0 };
    }
    default:
      return deed satisfies never;
  }
}

function felt(ms: number, { crews }: Ground): number {
  return ms > UNFELT_MS ? crews.wire() : 0;
}

async function killOne(crewNumber: number, number: number, { crews }: Ground): Promise<Done> {
  const crew = crews.pick(crewNumber);
  const pids = crew ? childrenOf(crew.running.child) : [];
  const pid = pids[number % Math.max(1, pids.length)];
  if (!crew || pid === undefined) return { said: 'no worker process to kill', wire: 0 };
  signal(pid, 'SIGKILL');
  return { said: `killed worker process ${pid}`, wire: crew.shape.connections, kills: 1 };
}

async function freeze(crewNumber: number, number: number, ms: number, { crews }: Ground): Promise<Done> {
  const crew = crews.pick(crewNumber);
  const pids = crew ? childrenOf(crew.running.child) : [];
  const pid = pids[number % Math.max(1, pids.length)];
  if (!crew || pid === undefined) return { said: 'no worker process to freeze', wire: 0 };
  signal(pid, 'SIGSTOP');
  const later = wait(ms).then(() => signal(pid, 'SIGCONT'));
  return { said: `froze worker process ${pid} for ${ms} ms`, wire: crew.shape.connections, freezes: 1, later };
}

async function killEverything(ms: number, ground: Ground): Promise<Done> {
  const { crews, redis } = ground;
  const shapes = crews.live.map(({ shape }) => shape);
  const kills = shapes.reduce((all, { processes }) => all + processes + 1, 2);
  const wire = crews.wire();
  crews.killAll();
  await ground.relay().end('SIGKILL');
  await redis.kill();
  await wait(ms);
  await ground.startRedis();
  await ground.startRelay();
  for (const shape of shapes) await ground.startCrew(shape);
  return { said: `killed everything, back after ${ms} ms`, wire, kills, redisRestarts: 1 };
}

async function loseJobs(gone: (key: string) => boolean, { client, crews }: Ground): Promise<Done> {
  const keys = await client.keys('fanmail:{queue}:*');
  const chosen = keys.sort().filter(gone);
  if (chosen.length > 0) await client.del(chosen);
  return { said: `deleted ${chosen.length} of ${keys.length} keys of the queue`, wire: crews.wire() };
}

async function pause(id: string, ms: number, { place }: Ground): Promise<Done> {
  const paused = await place.run(['pause', id]);
  await wait(ms);
  const resumed = await place.run(['resume', id]);
  return { said: `pause ${id} ended with ${paused.code}, ${ms} ms later resume with ${resumed.code}`, wire: 0 };
}

/** Brings a campaign to its seal, by whatever way its plan takes. */
export async function launch(plan: CampaignPlan, ground: Ground): Promise<Done> {
  const { id } = plan;
  let said = `launched ${id}`;
  let kills = 0;
  if (plan.launch === 'killed-before-seal') {
    const half = ground.launchHalf(plan);
    await Promise.race([wait(200 + fate(id, plan.rows) * 1_200), half.ended]);
    half.child.kill('SIGKILL');
    await half.ended;
    // As if it had been silent for a minute: only then another may take the id.
    if ((await ground.phase(id)) === 'staging')
      await ground.client.hset(`fanmail:{${id}}:campaign`, 'heardAt', Date.now() - UNSEALED_MS);
    [said, kills] = [`launched ${id}, killed it before its seal, launched it again`, 1];
  }
  const running = ground.launch(plan);
  if (plan.launch === 'killed-after-seal') {
    const sealed = async () => !['staging', null].includes(await ground.phase(id));
    await until(async () => ((await sealed()) ? true : null), `the seal of ${id}`);
    running.child.kill('SIGKILL');
    await running.ended;
    return { said: `launched ${id} and killed the launch at its seal`, wire: 0, kills: 1 };
  }
  const { code, err } = await running.ended;
  return { said, wire: 0, kills, ...(code === 0 ? {} : { breach: `launch ${id} ended with ${code}: ${err}` }) };
}
