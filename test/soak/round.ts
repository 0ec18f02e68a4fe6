import { setTimeout as wait } from 'node:timers/promises';
import { sumOf } from '../faults/field.js';
import { until } from '../support/cli.js';
import { type Done, launch, perform } from './deeds.js';
import { type Ground, openGround } from './ground.js';
import { evidenceOf, judge, judgeTogether, readFaults, type Verdict } from './judge.js';
import { keepEvidence } from './keep.js';
import { watchCounters } from './watch.js';
import type { CampaignPlan, Deed, World } from './world.js';

/** After the last deed: longer than locks, backoffs and the relay's breaker together. */
const ENDS_MS = 240_000;
/** For the notice after the end; it may take longer, and nothing depends on it. */
const NOTICE_MS = 10_000;

export interface Told {
  /** Milliseconds after the workers were there. */
  readonly at: number;
  readonly said: string;
}

export interface RoundResult {
  readonly ms: number;
  readonly recipients: number;
  /** Messages that were on the wire of what was hit. */
  readonly wire: number;
  readonly verdicts: readonly Verdict[];
  readonly told: readonly Told[];
  readonly kills: number;
  readonly freezes: number;
  readonly redisRestarts: number;
  readonly relayFaults: number;
  readonly looks: number;
  /** Empty where all is well. */
  readonly breaches: readonly string[];
  /** What is left of a round with a breach. */
  readonly kept: string | null;
}

/** A round that can be ended from outside. */
export interface Round {
  readonly result: Promise<RoundResult>;
  /** Ends its processes and removes its files. */
  abandon(): Promise<void>;
}

/** Plays a world on a ground of its own and judges what became of it. */
export function playRound(world: World): Round {
  const opened = openGround(world);
  const result = opened.then((ground) => play(world, ground));
  return {
    result,
    async abandon() {
      // Whatever it comes to now is nobody's business any more.
      result.catch(() => undefined);
      await (await opened).end(false);
    },
  };
}

async function play(world: World, ground: Ground): Promise<RoundResult> {
  const started = performance.now();
  const done: Done[] = [];
  const told: Told[] = [];
  const breaches: string[] = [];
  const totals = new Map<string, number>();
  const watch = watchCounters(ground.client, totals);
  let verdicts: readonly Verdict[] = [];
  try {
    for (const shape of world.crews) await ground.startCrew(shape);
    await act(world, ground, totals, (entry, at) => {
      done.push(entry);
      told.push({ at, said: entry.said });
      if (entry.breach) breaches.push(entry.breach);
    });
    const cancelled = await allEnded(world.campaigns, ground);
    await Promise.all(done.map(({ later }) => later));
    breaches.push(...(await allStopped(ground)));
    breaches.push(...(await askTheProduct(world.campaigns, ground)));
    const wire = sum(done, (entry) => entry.wire);
    verdicts = world.campaigns.flatMap((plan) => {
      const evidence = evidenceOf(ground.place.folder, plan, cancelled.has(plan.id));
      if (!evidence) breaches.push(`${plan.id} has not one summary with its results`);
      return evidence ? [judge(evidence, wire, world.mood)] : [];
    });
    breaches.push(...verdicts.flatMap((verdict) => verdict.breaches.map((text) => `${verdict.id}: ${text}`)));
    breaches.push(...judgeTogether(verdicts, wire));
  } catch (error) {
    breaches.push(error instanceof Error ? error.message : String(error));
  }
  await Promise.race([watch.stop(), wait(1_000)]);
  breaches.push(...watch.found);
  const result = {
    ...{ verdicts, told, breaches, looks: watch.looks },
    ms: performance.now() - started,
    recipients: sum(world.campaigns, ({ rows }) => rows),
    wire: sum(done, ({ wire }) => wire),
    kills: sum(done, ({ kills }) => kills ?? 0),
    freezes: sum(done, ({ freezes }) => freezes ?? 0),
    redisRestarts: sum(done, ({ redisRestarts }) => redisRestarts ?? 0),
    relayFaults: readFaults(`${ground.record}.faults`).length,
  };
  const kept = breaches.length > 0 ? await keepEvidence(world, result, ground) : null;
  await ground.end(kept !== null);
  return { ...result, kept };
}

/** Launches and deeds one after the other, each not before its time; what a freeze does ends by itself. */
async function act(
  { campaigns, steps }: World,
  ground: Ground,
  totals: Map<string, number>,
  note: (done: Done, at: number) => void,
): Promise<void> {
  const begin = performance.now();
  const launches = campaigns.map((plan) => ({ at: plan.at, plan }));
  const script: readonly ({ at: number; plan: CampaignPlan } | ({ at: number; plan?: never } & Deed))[] = [
    ...launches,
    ...steps,
  ].sort((a, b) => a.at - b.at);
  for (const step of script) {
    await wait(Math.max(0, begin + step.at - performance.now()));
    const at = Math.round(performance.now() - begin);
    if (step.plan) totals.set(step.plan.id, step.plan.rows);
    note(step.plan ? await launch(step.plan, ground) : await perform(step, ground, campaigns), at);
  }
}

/** Resolves when every campaign has ended, with the ids of those that were cancelled. */
async function allEnded(plans: readonly CampaignPlan[], ground: Ground): Promise<Set<string>> {
  const cancelled = new Set<string>();
  for (const { id } of plans) {
    const over = async () => {
      const phase = await ground.phase(id);
      if (phase === 'cancelled') cancelled.add(id);
      return phase === 'completed' || phase === 'cancelled' ? true : null;
    };
    await until(over, `the end of ${id}`, ENDS_MS);
  }
  const noticed = async () => ((await ground.client.scard('fanmail:open')) === 0 ? true : null);
  await until(noticed, 'the notices', NOTICE_MS).catch(() => undefined);
  return cancelled;
}

async function allStopped({ crews }: Ground): Promise<string[]> {
  const codes = await Promise.all([...crews.live].map((crew) => crews.stop(crew)));
  const gone = async () => (crews.orphans().length === 0 ? true : null);
  await until(gone, 'the end of workers whose command was killed');
  return codes.filter((code) => code !== 0).map((code) => `a crew told to stop at the end ended with ${code}`);
}

/** `verify` and `progress` of every campaign. */
async function askTheProduct(plans: readonly CampaignPlan[], { place }: Ground): Promise<string[]> {
  const found: string[] = [];
  for (const { id, rows } of plans) {
    const { code, out, err } = await place.run(['verify', id, '--json']);
    const holds = out !== '' && (JSON.parse(out) as { holds: boolean }).holds;
    if (code !== 0 || !holds) found.push(`verify ${id} ended with ${code}: ${out}${err}`);
    const { counters } = await place.json<{ counters: Record<string, number> }>(['progress', id]);
    if (sumOf(counters) !== rows) found.push(`progress ${id} adds up to ${sumOf(counters)} of ${rows}`);
  }
  return found;
}

function sum<T>(list: readonly T[], value: (item: T) => number): number {
  return list.reduce((all, item) => all + value(item), 0);
}
