import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { sealed, sending } from './fixture.js';
import { ALL_VERBS, forget, Model, type Op } from './model.js';

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

type Weighted = fc.WeightedArbitrary<Op>;

const owner = fc.nat({ max: 5 });
const token = fc.constantFrom('a', 'b');
/** What anybody says of chunks and rounds. */
const PLAIN: readonly Weighted[] = [
  { weight: 4, arbitrary: fc.record({ do: fc.constant('claim' as const), chunk: fc.nat({ max: 1 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('stall' as const, 'drain' as const), chunk: fc.nat({ max: 1 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('begin' as const),
      owner,
      indices: fc.subarray([0, 1, 2], { minLength: 1 }),
      twice: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      owner,
      verbs: fc.array(fc.constantFrom(...ALL_VERBS), { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('turn' as const),
      owner,
      verbs: fc.array(fc.constantFrom(...ALL_VERBS), { maxLength: 3 }),
      indices: fc.subarray([0, 1, 2]),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('suppress' as const),
      owner,
      indices: fc.subarray([0, 1, 2], { minLength: 1 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle-again' as const), owner }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('finish' as const), owner }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'crash' as const), owner }) },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constantFrom('close' as const, 'mark' as const),
      token,
      thawed: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      by: fc.constantFrom('a', 'a', 'a', 'b'),
      told: fc.constantFrom('nothing' as const, 'nothing' as const, 'pause' as const, 'cancel' as const),
      verbs: fc.array(fc.constantFrom('sent' as const, 'failed' as const, 'unknown' as const), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('reopen' as const),
      unknown: fc.boolean(),
      skipped: fc.boolean(),
      tried: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('start' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'cancel' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('resume' as const) }),
  },
];

/** And of its hours and its canary. */
const WHEN: readonly Weighted[] = [
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), chunk: fc.nat({ max: 1 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('judge' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('hours' as const),
      are: fc.constantFrom('open' as const, 'open' as const, 'before' as const, 'over' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('span' as const),
      seen: fc.constantFrom('now' as const, 'now' as const, 'older' as const, 'older round' as const),
      open: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('canary' as const),
      verbs: fc.array(fc.constantFrom(...ALL_VERBS), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('hold-over' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const) }) },
];

/** Of two chunks of three: how many of each are of the canary. */
const CANARIES = [
  { share: 1 / 3, parts: [1, 1] },
  { share: 1 / 2, parts: [2, 1] },
  { share: 1 / 10, parts: [1, 0] },
  { share: 5 / 6, parts: [3, 2] },
] as const;
const ALWAYS = { at: null, hours: { windows: [{ days: [], from: 0, to: 1440 }], zone: 'Europe/Paris' } };

/** Lives in which nothing but chunks and rounds matters, or hours and canary above all, or all of it. */
export type About = 'chunks' | 'when' | 'all';

const OPS: Readonly<Record<About, readonly Weighted[]>> = {
  chunks: PLAIN,
  when: [...PLAIN, ...WHEN, ...WHEN],
  all: [...PLAIN, ...WHEN],
};

const canary = fc.record({ kind: fc.constantFrom(...CANARIES), abortAbove: fc.constantFrom(0, 0.5) });
const timed = fc.record({
  canary: fc.option(canary, { freq: 3 }),
  hasHours: fc.boolean(),
  phase: fc.constantFrom('sending' as const, 'sending' as const, 'queued' as const),
});
const untimed = fc.constant({ canary: null, hasHours: false, phase: 'sending' as const });

interface Drawn {
  readonly canary: { readonly kind: (typeof CANARIES)[number]; readonly abortAbove: number } | null;
  readonly hasHours: boolean;
  readonly phase: 'sending' | 'queued';
}

function launched(redis: Redis, onUnknown: 'hold' | 'resend', { canary: drawn, hasHours, phase }: Drawn) {
  const when = {
    ...(hasHours && { schedule: ALWAYS }),
    ...(drawn && { canary: { share: drawn.kind.share, holdMs: 3_600_000, abortAbove: drawn.abortAbove } }),
  };
  const how = { onUnknown, attempts: 2, ...when, chunks: 2, perChunk: 3 };
  return phase === 'queued' ? sealed(redis, how) : sending(redis, how);
}

/**
 * Lives of campaigns: every step in the ledger and in the model, with the invariants after each; and each life ends. With a seed,
 * the first one that breaks a rule is enough.
 */
export async function holds(redis: Redis, about: About, numRuns: number, seed?: number): Promise<void> {
  const steps = fc.commands([fc.oneof(...OPS[about]).map((op) => new Step(op))], { maxCommands: 40, size: 'max' });
  const drawn: fc.Arbitrary<Drawn> = about === 'chunks' ? untimed : timed;
  const unknown = fc.constantFrom('hold' as const, 'resend' as const);
  const property = fc.asyncProperty(unknown, drawn, steps, async (onUnknown, how, life) => {
    const staged = await launched(redis, onUnknown, how);
    const model = new Model(staged, how.phase, how.canary?.kind.parts);
    await model.opened();
    await fc.asyncModelRun(() => ({ model: { model }, real: {} }), life);
    await model.end();
    await forget(redis, staged);
  });
  await fc.assert(property, { numRuns, ...(seed === undefined ? {} : { seed, endOnFailure: true }) });
}
