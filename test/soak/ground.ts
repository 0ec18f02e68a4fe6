import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';
import { emails, listOf } from '../faults/field.js';
import { newPlace, type Place, type Running } from '../support/cli.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { Crews } from './crews.js';
import type { RelayTask } from './relay-main.js';
import { ATTEMPTS, type CampaignPlan, type CrewShape, type World } from './world.js';

const RELAY = fileURLToPath(new URL('./relay-main.ts', import.meta.url));

export interface SoakRelay {
  readonly port: number;
  readonly pid: number;
  end(signal: NodeJS.Signals): Promise<void>;
}

/** The real processes of one round: a Redis that persists, a relay with a mood, crews of workers, launches. */
export interface Ground {
  readonly place: Place;
  readonly redis: TestRedis;
  readonly client: Redis;
  readonly crews: Crews;
  readonly record: string;
  relay(): SoakRelay;
  /** Starts it anew on its port, with the same record. */
  startRelay(): Promise<void>;
  startRedis(): Promise<void>;
  startCrew(shape: CrewShape): Promise<void>;
  launch(plan: CampaignPlan): Running;
  /** A launch that reads its list from a pipe and gets no more than a part of it. */
  launchHalf(plan: CampaignPlan): Running;
  phase(id: string): Promise<string | null>;
  /** Ends every process, for good, and removes the files; `keep` leaves those of the place. */
  end(keep: boolean): Promise<void>;
}

export async function openGround(world: World): Promise<Ground> {
  const redis = await freshRedis({ persist: true, settings: { 'maxmemory-policy': 'noeviction' } });
  const place = newPlace({ REDIS_URL: `unix://${redis.path}`, FANMAIL_LOG_LEVEL: 'info' });
  const record = join(place.folder, 'record');
  writeFileSync(record, '');
  writeFileSync(`${record}.faults`, '');
  let relay = await startSoakRelay({ record, port: 0, mood: world.mood });
  const client = redis.client();
  const smtp = `smtp://127.0.0.1:${relay.port}`;
  const crews = new Crews(place, client, smtp);
  const launches: Running[] = [];
  let ended = false;
  const open = () => {
    if (ended) throw new Error('the round is over');
  };
  const start = (plan: CampaignPlan, list: string, stdin: 'ignore' | 'pipe') => {
    open();
    const running = place.start(launchArguments(plan, smtp, list), {}, stdin);
    launches.push(running);
    return running;
  };

  return {
    ...{ place, redis, client, crews, record },
    relay: () => relay,
    async startRedis() {
      open();
      await redis.start();
    },
    async startCrew(shape) {
      open();
      await crews.start(shape);
    },
    async startRelay() {
      open();
      relay = await startSoakRelay({ record, port: relay.port, mood: world.mood });
    },
    launch(plan) {
      const list = `${plan.id}.csv`;
      writeFileSync(join(place.folder, list), listOf(plan.id, plan.rows));
      return start(plan, list, 'ignore');
    },
    launchHalf(plan) {
      const running = start(plan, '-', 'pipe');
      // Rows so wide that some chunks are there before the list ends: it is read in blocks.
      const wide = 'x'.repeat(500);
      const rows = emails(plan.id, plan.rows).map((email) => `${email},Name,${wide}\n`);
      running.child.stdin?.on('error', () => undefined);
      running.child.stdin?.write(`email,first_name,filler\n${rows.slice(0, plan.rows / 2).join('')}`);
      return running;
    },
    phase: (id) => client.hget(`fanmail:{${id}}:campaign`, 'phase'),
    async end(keep) {
      ended = true;
      for (const { child } of launches) child.kill('SIGKILL');
      crews.killAll();
      await relay.end('SIGKILL');
      if (!keep) await place.clear();
      await redis.stop();
    },
  };
}

function launchArguments(plan: CampaignPlan, smtp: string, list: string): string[] {
  const message = ['--template', 'notice', '--from', 'me@example.com', '--smtp', smtp, '--encoding', 'utf-8'];
  const pace = ['--chunk-size', `${plan.chunkSize}`, '--retry-schedule', '500ms', '--attempts', `${ATTEMPTS}`];
  const rest = ['--on-unknown', plan.onUnknown, '--notify', operatorOf(plan.id), '--detach', '--yes'];
  return ['launch', list, '--id', plan.id, ...message, ...pace, ...rest];
}

/** Who gets the notice of a campaign, and nobody else's. */
export function operatorOf(id: string): string {
  return `operator@${id}.example.net`;
}

async function startSoakRelay(task: RelayTask): Promise<SoakRelay> {
  const child = spawn(process.execPath, ['--import', 'tsx', RELAY, JSON.stringify(task)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const line = once(createInterface({ input: child.stdout }), 'line').then(([text]) => String(text));
  const said = await Promise.race([line, gone.then(() => null)]);
  if (said === null) throw new Error('the relay of the round did not start');
  const { port } = JSON.parse(said) as { port: number };
  return {
    port,
    pid: child.pid ?? 0,
    async end(signal) {
      child.kill(signal);
      await gone;
    },
  };
}
