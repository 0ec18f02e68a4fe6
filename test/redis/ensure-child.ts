import { ensureServer } from '../../src/redis/embedded.js';

/** A command that needs the embedded Redis, as a process of its own. */
const [home, bin] = process.argv.slice(2);
if (home && bin) {
  const answer = await ensureServer({ home, bin: () => bin });
  process.send?.(answer, () => process.disconnect());
}
