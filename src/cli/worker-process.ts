import { resolve } from 'node:path';
import { startWorker } from '../app.js';
import { openBackend } from '../backend.js';
import { processEnvironment } from '../config/environment.js';
import { resolveSettings } from '../config/settings.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { openRedis } from '../redis/connect.js';
import { parseRelayUrls } from '../relay/urls.js';
import { createLogger } from '../runtime/logger.js';
import { aborted, listenForSignals } from '../runtime/signals.js';
import { keysOf } from './signing.js';
import { version } from './version.js';

/** One worker process; `fanmail worker` and an attached launch start and restart these. */
async function run(): Promise<number> {
  const cwd = process.cwd();
  const settings = resolveSettings('worker', {}, { env: processEnvironment(), cwd });
  const { logFile, logLevel } = settings;
  const log = createLogger({
    level: logLevel,
    base: { process: 'worker' },
    ...(logFile === null ? {} : { file: logFile }),
  });
  const signals = listenForSignals();
  if (settings.redis === null) throw new FanmailError('USAGE', 'a worker process is started by fanmail worker');

  const redis = await openRedis(
    { kind: 'url', url: settings.redis.reveal() },
    {
      name: 'fanmail-worker-process',
      log,
      firstConnectMs: 30_000,
    },
  );
  const relays = settings.smtp === null ? [] : parseRelayUrls(settings.smtp.reveal());
  const dkim = keysOf(settings, cwd);
  const { connections, chunks } = settings;
  const resultsDir = resolve(cwd, settings.results);
  const backend = openBackend(redis);
  const worker = await startWorker(backend, { relays, dkim, connections, chunks, resultsDir, version, log });
  signals.stop.addEventListener('abort', () => worker.abandon(), { once: true });
  await aborted(signals.quiet);
  await worker.stop(settings.grace);
  await backend.close();
  return EXIT.ok;
}

run().then(
  (code) => process.exit(code),
  (error: unknown) => {
    createLogger({ level: 'error' }).error({ err: error }, 'the worker process could not go on');
    process.exit(EXIT.failure);
  },
);
