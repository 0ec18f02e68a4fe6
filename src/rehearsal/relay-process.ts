import { type RehearsalRelay, type RehearsalRelayOptions, startRehearsalRelay } from './relay.js';

/** The relay as a process of its own; see start-relay.ts for what it is told and says. */

/** How often it says how many messages it took. */
const SAY_EVERY_MS = 20;

async function serve(options: RehearsalRelayOptions): Promise<void> {
  const relay = await startRehearsalRelay(options);
  process.send?.({ port: relay.port });
  let said = 0;
  setInterval(() => {
    const taken = relay.taken();
    if (taken === said || !process.connected) return;
    said = taken;
    process.send?.({ taken });
  }, SAY_EVERY_MS);
  const end = () => void endAfter(relay);
  process.on('SIGTERM', end);
  // Whoever began the rehearsal is gone.
  process.on('disconnect', end);
}

async function endAfter(relay: RehearsalRelay): Promise<void> {
  await relay.stop();
  process.exit(0);
}

process.once('message', (options: RehearsalRelayOptions) => {
  serve(options).catch((error: unknown) => {
    process.stderr.write(`the relay of the rehearsal could not start: ${String(error)}\n`);
    process.exit(1);
  });
});
