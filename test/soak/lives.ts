import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { sending } from '../redis/ledger/fixture.js';
import { ALL_VERBS, forget, Model, type Op } from '../redis/ledger/model.js';
import { freshRedis } from '../support/redis.js';

/** Larger than in the test of the ledger: more chunks, longer lives. */
const CHUNKS = 3;
const PER_CHUNK = 4;
const STEPS = 80;

const chunk = fc.nat({ max: CHUNKS - 1 });
const owner = fc.nat({ max: 8 });
const indices = fc.subarray(
  Array.from({ length: PER_CHUNK }, (_, i) => i),
  { minLength: 1 },
);
const verbs = fc.array(fc.constantFrom(...ALL_VERBS), { minLength: 1, maxLength: PER_CHUNK });
const one = <K extends string>(...names: readonly [K, ...K[]]) => fc.constantFrom<K[]>(...names);

/** The end of a campaign is drawn seldom enough that most lives are long. */
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: one('claim'), chunk }) },
  { weight: 5, arbitrary: fc.record({ do: one('stall', 'drain'), chunk }) },
  { weight: 12, arbitrary: fc.record({ do: one('begin'), owner, indices, twice: fc.boolean() }) },
  { weight: 12, arbitrary: fc.record({ do: one('settle'), owner, verbs }) },
  { weight: 12, arbitrary: fc.record({ do: one('turn'), owner, verbs, indices }) },
  { weight: 3, arbitrary: fc.record({ do: one('suppress'), owner, indices }) },
  { weight: 4, arbitrary: fc.record({ do: one('settle-again'), owner }) },
  { weight: 5, arbitrary: fc.record({ do: one('finish'), owner }) },
  { weight: 1, arbitrary: fc.record({ do: one('lose', 'crash'), owner }) },
  { weight: 4, arbitrary: fc.record({ do: one('close', 'mark'), token: one('a', 'b', 'c'), thawed: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: one('end'), verbs, told: one('nothing', 'pause', 'cancel'), by: one('a', 'a', 'b') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: one('reopen'), unknown: fc.boolean(), skipped: fc.boolean(), tried: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ do: one('start') }) },
  { weight: 1, arbitrary: fc.record({ do: one('pause', 'cancel') }) },
  { weight: 2, arbitrary: fc.record({ do: one('resume') }) },
);

class Step implements fc.AsyncCommand<{ model: Model }, object> {
  constructor(readonly op: Op) {}
  check(): boolean {
    return true;
  }
  async run({ model }: { model: Model }): Promise<void> {
    await model.step(this.op);
  }
  toString(): string {
    return JSON.stringify(this.op);
  }
}

/**
 * Lives of campaigns in the real ledger, held against its model after every step; resolves with `holds`, or with the
 * shortest life found that broke a rule.
 */
export async function liveLives(seed: number, runs: number, redis: Redis): Promise<string> {
  const commands = fc.commands([op.map((chosen) => new Step(chosen))], { maxCommands: STEPS, size: 'max' });
  const property = fc.asyncProperty(
    one('hold', 'resend'),
    fc.integer({ min: 1, max: 4 }),
    commands,
    async (...drawn) => {
      const [onUnknown, attempts, steps] = drawn;
      const staged = await sending(redis, { onUnknown, attempts, chunks: CHUNKS, perChunk: PER_CHUNK });
      await fc.asyncModelRun(() => ({ model: { model: new Model(staged) }, real: {} }), steps);
      await forget(redis, staged);
    },
  );
  const { failed, errorInstance, counterexample } = await fc.check(property, { seed, numRuns: runs });
  return failed ? `${String(errorInstance)} in ${String(counterexample)}` : 'holds';
}

/** The same on a Redis of its own, which goes away at the end; null where `stopped` resolves before. */
export async function soakLedger(seed: number, runs: number, stopped: Promise<null>): Promise<string | null> {
  const server = await freshRedis();
  try {
    return await Promise.race([liveLives(seed, runs, server.client()), stopped]);
  } finally {
    await server.stop();
  }
}
