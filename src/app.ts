import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Backend } from './backend.js';
import { createComposers } from './composers.js';
import { createSigners } from './dkim.js';
import type { Campaign } from './domain/campaign.js';
import type { Summary } from './domain/summary.js';
import { createComposer } from './message/composer.js';
import type { DkimKey, DkimSigner } from './message/dkim-signer.js';
import { fixedParts } from './message/template.js';
import { aggregate } from './pipeline/aggregator.js';
import { runChunk } from './pipeline/chunk-worker.js';
import { coordinate } from './pipeline/coordinator.js';
import { notify } from './pipeline/notifier.js';
import { createPacers } from './pipeline/pacers.js';
import type { Log } from './pipeline/ports.js';
import { createRecorder } from './pipeline/recorder.js';
import { watchSuppression } from './pipeline/suppression-watch.js';
import { sweep } from './pipeline/sweep.js';
import { type Actors, startConsumer } from './queue/consumer.js';
import { QUEUE_PREFIX } from './redis/keys.js';
import { takeSweepTurn } from './redis/sweep-turn.js';
import type { RelaySettings } from './relay/url.js';
import { createRelays } from './relays.js';
import { noticeMessage } from './report/notice.js';
import { createResults } from './report/results.js';

export interface WorkerOptions {
  /** The relays that this process has credentials for; beside these, it can use those that need none. */
  readonly relays: readonly RelaySettings[];
  /** Those that this process can sign with. */
  readonly dkim: readonly DkimKey[];
  readonly connections: number;
  readonly chunks: number;
  readonly resultsDir: string;
  readonly version: string;
  readonly log: Log;
}

const SAY_EVERY_MS = 5_000;
const SWEEP_EVERY_MS = 15_000;

/** Starts what one worker process does: chunks, the steps around them, the sweep, its word of itself. */
export async function startWorker(backend: Backend, options: WorkerOptions) {
  const { log } = options;
  const wake = await backend.wake();
  const relays = createRelays(options);
  const results = createResults({ defaultDir: options.resultsDir, log });
  const signers = createSigners(options.dkim);
  const composers = createComposers(signers);
  const recorder = createRecorder(backend.ledger, log);
  const pacers = createPacers(backend.pace, log);
  const suppression = watchSuppression(backend.suppression, log);
  const id = randomUUID();

  const routes = (campaign: Campaign) => signers.lacks(campaign) ?? relays.routes(campaign);
  const composeNotice = (campaign: Campaign, to: string, summary: string) =>
    noticeOf(campaign, to, summary, signers.of(campaign));
  const own = {
    suppression,
    links: backend.suppression,
    recorder,
    routes,
    pacer: pacers.of,
    composer: composers.of,
    promote: wake.promote,
    log,
  };
  const chunkPorts = { ...backend, ...own };

  const actors: Actors = {
    chunk: (ref, signals) => runChunk(ref, chunkPorts, signals),
    coordinate: (campaign, round) => coordinate(campaign, round, { ...backend, wake, log }),
    aggregate: (campaign, round) => aggregate(campaign, round, { ...backend, wake, results, log }),
    notify: (campaign, round, quiet) =>
      notify(campaign, round, { ...backend, routes, compose: composeNotice, log }, quiet),
  };
  const consumer = startConsumer(backend.redis, actors, { prefix: QUEUE_PREFIX, chunks: options.chunks, log });
  await consumer.ready();

  const say = () =>
    backend.presence.say({
      ...{ id, host: hostname(), pid: process.pid, version: options.version, connections: options.connections },
      trouble: [relays.trouble(), signers.trouble()].filter((one) => one !== null).join('; ') || null,
    });
  const sweepInTurn = async () => {
    if (await takeSweepTurn(backend.redis, SWEEP_EVERY_MS - 1_000)) await sweep({ ...backend, wake, log });
  };
  const timers = [every(SAY_EVERY_MS, say, log), every(SWEEP_EVERY_MS, sweepInTurn, log)];

  return {
    /**
     * Takes no new work, lets what is on the wire be answered for `graceMs`, hands the rest back; what is unanswered
     * then becomes unknown. The outcomes are settled last.
     */
    async stop(graceMs: number): Promise<void> {
      consumer.quiet();
      for (const timer of timers) clearInterval(timer);
      const impatience = setTimeout(() => relays.abandon(), graceMs);
      await consumer.close();
      clearTimeout(impatience);
      await suppression.close();
      await relays.close();
      await pacers
        .close()
        .catch((error: unknown) => log.warn({ err: error }, 'connections to domains expire by themselves'));
      await backend.presence.leave(id);
    },
    /** Does not wait for the relay: what is on the wire becomes unknown now. */
    abandon: () => relays.abandon(),
  };
}

function noticeOf(campaign: Campaign, to: string, summary: string, signer: DkimSigner | null) {
  const { from } = campaign.options;
  const stored = JSON.parse(summary) as Summary & { resultsDir: string };
  const { subject, text } = noticeMessage(stored, { from, to, dir: stored.resultsDir });
  const composer = createComposer({
    template: fixedParts({ subject, html: null, text }),
    ...{ from, replyTo: null, salt: campaign.salt, signer },
    // Its own identity: the notice's Message-ID never equals that of a recipient with the same address.
    campaignId: `${campaign.id} notice ${campaign.round}`,
  });
  return composer.compose({ line: 0, address: to, variables: {} });
}

function every(ms: number, act: () => Promise<void>, log: Log): NodeJS.Timeout {
  const run = () => act().catch((error: unknown) => log.warn({ err: error }, 'a periodic task failed'));
  void run();
  return setInterval(run, ms);
}
