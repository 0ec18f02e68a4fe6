import { copyFileSync, existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Secret } from '../config/secret.js';
import type { Settings } from '../config/settings.js';
import type { CampaignOptions } from '../domain/campaign.js';
import { EXIT } from '../domain/errors.js';
import { compare } from '../rehearsal/comparison.js';
import { figuresOf } from '../rehearsal/figures.js';
import { findScenario } from '../rehearsal/find-scenario.js';
import { joinPeople } from '../rehearsal/people.js';
import { type RelayProcess, startRelayProcess } from '../rehearsal/start-relay.js';
import { identityOf, parseRelayUrl } from '../relay/url.js';
import { createLogger } from '../runtime/logger.js';
import { type Context, openContext } from './context.js';
import { follow } from './follow.js';
import { newId, stageList } from './launch.js';
import { makePlan, type Plan } from './plan.js';
import { clearAbandonedHomes, openTemporaryHome, removeTemporaryHome } from './rehearse/home.js';
import { startKills } from './rehearse/kills.js';
import { watchPause } from './rehearse/pause.js';
import type { Session } from './session.js';
import { dkimOf } from './signing.js';
import { unsubscribeOf } from './unsubscribe-options.js';
import { recount } from './verify.js';
import { type Rehearsal, rehearsalIntroduction, rehearsalLines, rehearsalObject } from './view/rehearsal.js';
import { createWorkers } from './workers.js';

type RehearseSettings = Settings<'rehearse'>;

/** Longer than any rehearsal should take: what is open then has failed. */
const GIVE_UP_MS = 6 * 3_600_000;
/** What is on the wire goes to nobody, so a stop waits no longer for it. */
const GRACE_MS = 1_000;

/** One rehearsal: what was asked for, and what is its own. */
interface Stage {
  readonly id: string;
  readonly settings: RehearseSettings;
  readonly dkim: Pick<CampaignOptions, 'dkim'>;
  readonly session: Session;
  /** Removed at the end, with the Redis in it. */
  readonly home: string;
  /** Of the results. */
  readonly folder: string;
  readonly record: string;
  readonly workerLog: string;
}

/**
 * `fanmail rehearse`: the real list and template through the real stager, Redis, coordinator and worker processes to a
 * relay on this machine that has a day as the scenario says; then what would have happened to everybody, and a comparison
 * of the results with the relay's own record. Exits 0 only where nobody was lost and nobody got a second copy.
 */
export async function rehearse(settings: RehearseSettings, session: Session): Promise<number> {
  const { terminal, log, quiet, cwd } = session;
  const { name, scenario } = findScenario(settings.scenario, cwd);
  const dkim = dkimOf(settings, cwd);
  const id = `rehearsal-${newId()}`;
  const plan = await makePlan(settings, { id, name: `Rehearsal: ${settings.list}` });
  terminal.say(
    rehearsalIntroduction({ ...settings, source: settings.list, name, scenario }, terminal.style).join('\n'),
  );
  if (plan.list.notice !== null) terminal.say(plan.list.notice);

  await clearAbandonedHomes(log);
  const home = openTemporaryHome();
  const folder = join(resolve(cwd, settings.results), id);
  const files = { record: join(home, 'relay.ndjson'), workerLog: join(home, 'workers.log') };
  const stage: Stage = { ...{ id, settings, dkim, session, home, folder }, ...files };
  const parent = { path: resolve(cwd, settings.results), existed: existsSync(resolve(cwd, settings.results)) };
  let whole = false;
  try {
    const relay = await startRelayProcess({ scenario, seed: settings.seed, record: files.record });
    try {
      const rehearsal = await perform(stage, plan, { name, scenario }, relay);
      if (rehearsal === null) return EXIT.interrupted;
      whole = true;
      return conclude(rehearsal, stage);
    } finally {
      await relay.stop();
    }
  } finally {
    await removeTemporaryHome(home);
    if (!whole && quiet.aborted) {
      rmSync(folder, { recursive: true, force: true });
      if (!parent.existed) removeEmpty(parent.path);
      terminal.say('Interrupted: nothing of the rehearsal is left.');
    }
  }
}

/** Null where it was interrupted. */
async function perform(
  stage: Stage,
  plan: Plan,
  day: Pick<Rehearsal, 'name' | 'scenario'>,
  relay: RelayProcess,
): Promise<Rehearsal | null> {
  const { id, settings, session, home, folder } = stage;
  const began = performance.now();
  const context = await openContext({ redis: null, home }, session, 'rehearse');
  try {
    const { backend } = context;
    const addresses: string[] = [];
    const staging = { ...settings, dryRun: false, yes: true };
    const tapped = { ...plan, list: tap(plan.list, addresses, session.quiet) };
    const { totals } = await stageList(id, tapped, optionsOf(stage, plan, relay.port), backend, staging, session);
    const campaign = await backend.campaigns.get(id);
    if (!campaign) throw new Error('the rehearsal vanished from its own Redis');
    await (await backend.wake()).coordinator(campaign);
    const sent = await send(stage, context, day.scenario, relay);
    if (sent === null) return null;
    await relay.stop();
    const { checks } = await recount(backend, id);
    const people = await joinPeople(addresses, join(folder, 'results.csv'), stage.record);
    const allowed = { ...sent, connections: settings.connections, resend: settings.onUnknown === 'resend' };
    const compared = compare(people, { ...allowed, cancelled: sent.paused !== null });
    return {
      ...{ id, ...day, ...sent, seed: settings.seed, source: settings.list, folder },
      ...{ total: totals.total, rows: totals.rows, rejects: totals.rejects, durationMs: performance.now() - began },
      ...{ figures: figuresOf(people), checks: [...compared, ...checks] },
    };
  } catch (error) {
    // The list was left in the middle because of it.
    if (session.quiet.aborted) return null;
    throw error;
  } finally {
    await context.backend.close();
  }
}

/** What a launch would ask for, as far as it makes sense here: nobody is notified, and waits are short. */
function optionsOf({ settings, dkim, session }: Stage, { sender }: Plan, port: number): CampaignOptions {
  const unsubscribe = unsubscribeOf(settings);
  return {
    name: `Rehearsal: ${settings.list}`,
    ...sender,
    relay: identityOf(parseRelayUrl(urlOf(port))),
    ...dkim,
    attempts: settings.attempts,
    retryScheduleMs: settings.waits,
    giveUpMs: GIVE_UP_MS,
    onUnknown: settings.onUnknown,
    topic: null,
    onDead: 'suppress',
    keepMs: GIVE_UP_MS,
    notify: null,
    resultsDir: resolve(session.cwd, settings.results),
    ...(unsubscribe && { unsubscribe }),
  };
}

function urlOf(port: number): string {
  return `smtp://127.0.0.1:${port}?tls=none`;
}

/** The list, whose addresses are noted as they are read: what everything is held against later. */
function tap(list: Plan['list'], addresses: string[], quiet: AbortSignal): Plan['list'] {
  return {
    ...list,
    packed: () => null,
    async *batches(...needs) {
      for await (const batch of list.batches(...needs)) {
        quiet.throwIfAborted();
        for (const row of batch) if (row.kind === 'recipient') addresses.push(row.recipient.address);
        yield batch;
      }
    },
  };
}

interface Sent {
  readonly kills: number;
  /** The relay's words that paused the campaign; the rest was skipped then. Null: none did. */
  readonly paused: string | null;
}

/** Runs worker processes until the campaign has ended, and kills some as the scenario says; null where interrupted. */
async function send(
  { id, settings, session, workerLog }: Stage,
  { backend, target }: Context,
  scenario: Rehearsal['scenario'],
  relay: RelayProcess,
): Promise<Sent | null> {
  const { terminal, quiet } = session;
  const log = createLogger({ level: settings.logLevel, file: workerLog });
  const smtp = new Secret(urlOf(relay.port));
  const shape = { processes: settings.workers, grace: GRACE_MS, smtp, target, logFile: workerLog };
  const workers = createWorkers({ ...settings, ...shape }, { ...session, log });
  const halt = AbortSignal.any([quiet, relay.died]);
  await workers.start();
  const kills = startKills(scenario.kills, workers, (text) => terminal.say(text));
  const pause = watchPause(backend, id, (text) => terminal.say(text));
  relay.onTaken((taken) => kills.taken(taken));
  try {
    const followed = await follow(backend, id, { ...session, quiet: halt }, true);
    if (relay.died.aborted) throw new Error('the relay of the rehearsal ended by itself');
    return followed.kind === 'ended' ? { kills: kills.count(), paused: pause.words() } : null;
  } finally {
    kills.stop();
    pause.stop();
    await workers.stop();
    log.close();
  }
}

/** Writes what is worth keeping beside the results, prints, and returns the exit code. */
function conclude(rehearsal: Rehearsal, { folder, record, workerLog, settings, session }: Stage): number {
  const { terminal } = session;
  mkdirSync(folder, { recursive: true });
  copyFileSync(record, join(folder, 'relay.ndjson'));
  if (existsSync(workerLog)) copyFileSync(workerLog, join(folder, 'workers.log'));
  const object = rehearsalObject(rehearsal);
  writeFileSync(join(folder, 'rehearsal.json'), `${JSON.stringify(object, null, 2)}\n`, { mode: 0o600 });
  if (settings.json) terminal.out(JSON.stringify(object));
  else terminal.out(rehearsalLines(rehearsal, terminal.outStyle).join('\n'));
  return object.holds ? EXIT.ok : EXIT.failure;
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Something else came into it meanwhile.
  }
}
