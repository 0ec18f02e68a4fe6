import { randomBytes } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { composerOf } from '../composers.js';
import type { Settings } from '../config/settings.js';
import { type CampaignOptions, type RelayChoice, relaysOf } from '../domain/campaign.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { parseSender } from '../message/sender.js';
import type { PaceStore } from '../pipeline/pace-ports.js';
import { type Staged, stage } from '../pipeline/stager.js';
import type { StagingStore } from '../pipeline/staging-ports.js';
import { withoutSuppressed } from '../pipeline/suppressed-rows.js';
import type { Suppression } from '../pipeline/suppression-ports.js';
import { openRejects, type Rejects } from '../recipients/rejects.js';
import { createMeasuringStore } from '../redis/ledger/measuring-store.js';
import { identityOf, type RelaySettings } from '../relay/url.js';
import { parseRelayUrls } from '../relay/urls.js';
import { count } from '../report/format.js';
import { attachTo } from './attach.js';
import { type Context, contextAtHand, openContext, sayFindings } from './context.js';
import { makePlan, type Plan, type PlannedSender } from './plan.js';
import { paceOf, throughText } from './relay-options.js';
import { withinRoom } from './relay-size.js';
import { sayWaits } from './say-waits.js';
import type { Session } from './session.js';
import { dkimOf, signerOf } from './signing.js';
import { unsubscribeOf } from './unsubscribe-options.js';
import { whenOf } from './when.js';
import { withFiles } from './with-files.js';

type LaunchSettings = Settings<'launch'>;
type StagingSettings = Pick<LaunchSettings, 'results' | 'chunkSize' | 'dryRun' | 'yes' | 'json'>;

/** `fanmail launch`: stages a list, seals it, and follows it to its end unless told to detach. */
export async function launch(settings: LaunchSettings, session: Session): Promise<number> {
  const relays = requireRelays(settings.smtp?.reveal() ?? null);
  const when = await whenOf(settings, Date.now());
  const id = settings.id ?? newId();
  const name = settings.name ?? settings.list;
  const asked = await askedFor(settings, relays, session.cwd);
  const planned = await makePlan(settings, { id, name });
  const options: CampaignOptions = { name, ...planned.sender, ...asked, ...when };
  if (planned.list.notice !== null) session.terminal.say(planned.list.notice);
  const plan = await withinRoom(planned, relays, session.quiet);
  if (settings.testTo !== null) {
    const { testTo } = await import('./test-to.js');
    return testTo(settings.testTo, plan, relays[0], options, settings, session);
  }
  if (settings.dryRun) return dryRun(id, plan, options, settings, session);

  const context = await openContext(settings, session, 'launch');
  try {
    // It takes a while to load: while the list is staged, and not when all is sealed and workers could begin.
    const waking = context.backend.wake();
    waking.catch(() => undefined);
    await sayFindings(context, session.terminal);
    const staged = await stageList(id, plan, options, context.backend, settings, session);
    await limitRelays(settings.relayRate, options, context.backend.pace);
    const campaign = await context.backend.campaigns.get(id);
    if (!campaign) throw new FanmailError('CAMPAIGN_UNKNOWN', `the campaign ${id} vanished from Redis`);
    await (await waking).coordinator(campaign);
    if (settings.detach) return await detached(id, staged, context, settings.json, session);
    return await attachTo(id, context, settings, session);
  } finally {
    await context.backend.close();
  }
}

type Relays = ReturnType<typeof parseRelayUrls>;

function requireRelays(smtp: string | null): Relays {
  if (smtp !== null) return parseRelayUrls(smtp);
  throw new FanmailError('RELAY_MISSING', 'no relay is named: where should the messages go?', {
    hint:
      'set SMTP_URL or give --smtp smtp://user:password@host:587\n' +
      'to try it locally: fanmail catch & fanmail launch … --smtp smtp://localhost:1025',
  });
}

/** Date and time, so that ids sort, and enough chance that two launches never meet. */
export function newId(): string {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  return `${stamp}-${randomBytes(3).toString('hex')}`;
}

/** What the command line says, whatever the template is. */
async function askedFor(
  settings: LaunchSettings,
  relays: Relays,
  cwd: string,
): Promise<Omit<CampaignOptions, 'name' | keyof PlannedSender>> {
  const unsubscribe = unsubscribeOf(settings);
  return {
    relay: identityOf(relays[0]),
    ...(relays.length > 1 && { relays: relays.map(choiceOf) }),
    ...dkimOf(settings, cwd),
    attempts: settings.attempts,
    retryScheduleMs: settings.retrySchedule,
    giveUpMs: settings.giveUp,
    onUnknown: settings.onUnknown,
    topic: settings.topic,
    onDead: settings.onDead,
    keepMs: settings.keep,
    notify: settings.notify === null ? null : parseSender(settings.notify).address,
    // Somebody else's machine has other folders: there, the worker that aggregates has a setting of its own.
    resultsDir: settings.redis === null ? resolve(cwd, settings.results) : null,
    ...(await paceOf(settings)),
    ...(unsubscribe && { unsubscribe }),
  };
}

function choiceOf(settings: RelaySettings): RelayChoice {
  return { identity: identityOf(settings), weight: settings.weight, spare: settings.spare };
}

/** Where a list is staged; without a suppression list nobody is held against one. */
export interface StagingPorts {
  readonly staging: StagingStore;
  readonly suppression: Suppression | null;
}

/** Stages and seals; the rejected rows go to a file in the campaign's folder of results. */
export async function stageList(
  id: string,
  plan: Plan,
  options: CampaignOptions,
  { staging: store, suppression }: StagingPorts,
  settings: StagingSettings,
  session: Session,
): Promise<Staged> {
  const folder = join(resolve(session.cwd, settings.results), id);
  const rejects = openRejects(join(folder, 'rejects.csv'));
  // Packed rows are never looked at one by one.
  const packed = plan.check === null && plan.recipientFiles === null ? plan.list.packed(plan.needs) : null;
  const batches = packed ?? plan.list.batches(plan.reads);
  try {
    return await stage({
      ...{ id, options, store, template: plan.template, contents: plan.contents, files: plan.recipientFiles },
      ...{ needs: plan.needs, check: plan.check },
      nonce: randomBytes(8).toString('hex'),
      salt: randomBytes(16).toString('hex'),
      batches: suppression === null ? batches : await withoutSuppressed(batches, suppression, options.topic),
      listDigest: () => plan.list.digest(),
      chunkSize: settings.chunkSize,
      reject: (some) => rejects.add(some),
      async confirm(staged) {
        sayStaged(staged, settings.dryRun ? 'Would stage' : 'Staged', session);
        if (settings.dryRun) return leaveNothing(rejects, folder);
        await confirm(staged, options, settings, session);
        // Before the seal: from then on the campaign goes on without this machine.
        const path = await rejects.close();
        if (path) session.terminal.say(`Each rejected row, with its line: ${path}`);
      },
    });
  } catch (error) {
    // Where nothing could be sent, the file says why of each row.
    if (error instanceof FanmailError && error.code === 'LIST_NOTHING_SENDABLE') {
      const path = await rejects.close();
      if (path) session.terminal.say(`The rejected rows are in ${path}`);
    }
    await leaveNothing(rejects, folder);
    throw error;
  }
}

/** What was not launched leaves no file, and no folder where this was all that was in it. */
async function leaveNothing(rejects: Rejects, folder: string): Promise<void> {
  await rejects.discard();
  await rmdir(folder).catch(() => undefined);
}

function sayStaged({ totals }: Staged, verb: string, { terminal }: Session): void {
  const { total, chunks, rows } = totals;
  terminal.say(
    `${verb} ${count(total)} of ${count(rows)} rows in ${count(chunks)} ${chunks === 1 ? 'chunk' : 'chunks'}.`,
  );
  for (const [reason, rejected] of Object.entries(totals.rejects))
    terminal.say(`  rejected, ${reason}: ${count(rejected)}`);
}

/** On a terminal, launch asks before anything is sealed. */
async function confirm({ totals }: Staged, options: CampaignOptions, settings: StagingSettings, session: Session) {
  if (settings.yes || settings.json) return;
  const what = `${count(totals.total)} messages from ${options.from} through ${throughText(options)}`;
  const answer = await session.terminal.ask(`Send ${what}? [y/N] `, session.quiet).catch(() => 'n');
  if (answer === null || /^y(es)?$/i.test(answer.trim())) return;
  throw new FanmailError('USAGE', 'not launched: nothing was sent', { hint: '--yes answers in advance' });
}

async function limitRelays(
  rate: LaunchSettings['relayRate'],
  options: CampaignOptions,
  pace: PaceStore,
): Promise<void> {
  if (rate === null) return;
  for (const { identity } of relaysOf(options)) await pace.limitRelay(identity, rate === 'none' ? null : rate);
}

async function dryRun(id: string, plan: Plan, options: CampaignOptions, settings: LaunchSettings, session: Session) {
  const context = await contextAtHand(settings, session, 'launch');
  const ports = { staging: createMeasuringStore(), suppression: context?.backend.suppression ?? null };
  const staged = await stageList(id, plan, options, ports, { ...settings, yes: true }, session).finally(() =>
    context?.backend.close(),
  );
  const parts = { linkSecret: null, signer: signerOf(settings, session.cwd), contents: plan.contents };
  const { recipient, contents } = await withFiles(staged.first, plan);
  const message = composerOf({ id, salt: '', options }, plan.template, parts).compose(recipient, contents);
  await message.signed;
  // A byte of state and 16 of record for each recipient, beside the compressed row.
  const redisBytes = staged.bytes + staged.totals.total * 17;
  if (settings.json) {
    session.terminal.out(
      JSON.stringify({ dryRun: true, ...staged.totals, redisBytes, sample: message.content.toString() }),
    );
    return EXIT.ok;
  }
  session.terminal.say(
    `In Redis it would take about ${count(Math.ceil(redisBytes / 1024))} kB. Nothing was staged or sent.`,
  );
  session.terminal.say(`The first message, ${count(message.content.length)} bytes:\n`);
  session.terminal.out(message.content.toString());
  return EXIT.ok;
}

async function detached(id: string, { totals }: Staged, context: Context, json: boolean, { terminal }: Session) {
  if (json) {
    terminal.out(JSON.stringify({ campaign: id, phase: 'queued', ...totals }));
    return EXIT.ok;
  }
  terminal.say(`Sealed as ${id}. fanmail progress ${id} shows how it goes; fanmail attach ${id} follows it.`);
  if (context.home !== null) terminal.say('It moves when workers run: fanmail worker, or fanmail attach.');
  await sayWaits(id, context.backend, terminal);
  return EXIT.ok;
}
