import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCampaigns } from '../../../src/redis/ledger/campaigns.js';
import { createChunkLedger } from '../../../src/redis/ledger/chunks.js';
import { createRetryStore } from '../../../src/redis/ledger/retries.js';
import { loadScript } from '../../../src/redis/script.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';
import { type Staged, sending } from './fixture.js';
import { ALL_VERBS, forget, Model, type Op } from './model.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

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

const owner = fc.nat({ max: 5 });
const token = fc.constantFrom('a', 'b');
const op = fc.oneof(
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
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('start' as const, 'start' as const, 'judge' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hours' as const), open: fc.constantFrom(true, true, false) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'cancel' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('resume' as const, 'resume' as const, 'release' as const) }),
  },
);

/** Lives of campaigns: every step in the ledger, through `through`, and in the model, with the invariants after each. */
async function holds(numRuns: number, through: Redis, seed?: number): Promise<void> {
  const commands = fc.commands([op.map((chosen) => new Step(chosen))], { maxCommands: 40, size: 'max' });
  const property = fc.asyncProperty(
    fc.constantFrom('hold' as const, 'resend' as const),
    // Of the canary each chunk has the first one.
    fc.option(fc.constant({ share: 1 / 3, holdMs: 0, abortAbove: 0.5 }), { freq: 3 }),
    commands,
    async (onUnknown, canary, steps) => {
      const options = { onUnknown, attempts: 2, ...(canary && { canary }) };
      const real = await sending(redis, { ...options, chunks: 2, perChunk: 3 });
      const stores = { campaigns: createCampaigns(through), retries: createRetryStore(through) };
      const staged: Staged = { ...real, ...stores, ledger: createChunkLedger(through) };
      await fc.asyncModelRun(() => ({ model: { model: new Model(staged) }, real: {} }), steps);
      await forget(redis, staged);
    },
  );
  await fc.assert(property, { numRuns, ...(seed === undefined ? {} : { seed, endOnFailure: true }) });
}

/** A connection on which one script is replaced by a broken copy of it. */
function withBroken(script: string, from: string, to: string): { redis: Redis; changed: boolean } {
  const { source, sha } = loadScript(script);
  const broken = source.replace(from, to);
  const through = new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'callBuffer') return typeof value === 'function' ? value.bind(target) : value;
      return (command: string, first: string, ...rest: (string | Buffer | number)[]) =>
        first === sha ? target.callBuffer('EVAL', broken, ...rest) : target.callBuffer(command, first, ...rest);
    },
  });
  return { redis: through, changed: broken !== source };
}

describe('the ledger, whoever speaks in whatever order', () => {
  it('does what the rules say: it balances, nobody gets a second copy, and what is final stays so', async () => {
    await holds(1_000, redis);
  }, 120_000);
});

describe('that property notices a ledger that', () => {
  it.each([
    ['counts twice', 'turn', 'm.count()\nif mayBeNew', 'm.count() m.count()\nif mayBeNew'],
    ['forgets to count at a claim', 'claim', '  m.count()', ''],
    ['begins for anybody', 'turn', "if not mine then return 'fenced'", "if false then return 'fenced'"],
    ['begins what is final', 'turn', "and (from == 'P' or from == 'D')\n", "and from ~= 'I'\n"],
    [
      'grants what is unknown',
      'turn',
      "if open or from == 'I' then granted",
      "if open or from == 'I' or from == 'U' then granted",
    ],
    ['begins in a pause', 'turn', "if c.paused then return 'p", "if false then return 'p"],
    ['begins although it is cancelled', 'turn', "if c.cancelling then return 'c", "if false then return 'c"],
    ['settles for anybody', 'turn', 'if mine and from', 'if from'],
    ['settles without a look at the state', 'turn', "if mine and from == 'I' then", 'if mine then'],
    [
      'opens a final state by a late word',
      'turn',
      "elseif verb == 'f' and from == 'U'",
      "elseif verb == 'd' and from == 'U' then return 'D', reason, 0\n  elseif verb == 'f' and from == 'U'",
    ],
    ['takes a late failure from another fence', 'turn', ' and r.due == tonumber(ARGV[3]) and not r.doubt', ''],
    ['suppresses for anybody', 'turn', "if not mine or (from ~= 'P'", "if (from ~= 'P'"],
    [
      'suppresses what is in flight',
      'turn',
      "(from ~= 'P' and from ~= 'D')",
      "(from ~= 'P' and from ~= 'D' and from ~= 'I')",
    ],
    ['suppresses what is final', 'turn', "or (from ~= 'P' and from ~= 'D') then return nil", 'then return nil'],
    [
      'forgets to suppress',
      'turn',
      "local to, why = ending(r, 'X', reason)",
      'if true then return nil end local to, why',
    ],
    [
      'suppresses who may have got one',
      'turn',
      "local to, why = ending(r, 'X', reason)",
      "local to, why = 'X', reason",
    ],
    ['drops a late sent', 'turn', "elseif verb == 's' and", "elseif verb == 'never' and"],
    [
      'settles and begins after the close',
      'turn',
      "if c.phase ~= 'sending' and c.phase ~= 'queued' then",
      'if false then',
    ],
    ['fails the last deferral one attempt late', 'turn', 'r.attempts + 1 >= c.attempts', 'r.attempts >= c.attempts'],
    ['tries again in a cancelled campaign', 'turn', "if c.cancelling and (to == 'P'", "if false and (to == 'P'"],
    ['leaves in flight as it is at a claim', 'claim', "      to = 'U'\n", ''],
    ['opens at a claim what was in flight', 'claim', 'if c.resend and r.attempts', 'if r.attempts'],
    [
      'skips what may be out',
      'claim',
      "if from ~= 'I' then\n      if c.cancelling",
      'if true then\n      if c.cancelling',
    ],
    ['claims in a pause', 'claim', 'if c.paused and', 'if false and'],
    ['remembers more than was settled', 'turn', 'begun, c.settled, granted', 'begun, c.settled + 1, granted'],
    ['keeps the old fence at a claim', 'claim', "'token', ARGV[3], 'claims'", "'former', ARGV[3], 'claims'"],
    ['finishes with open ones', 'finish', "if not string.find(states, '[PID]')", "if not string.find(states, '[PI]')"],
    ['finishes for anybody', 'finish', "if redis.call('HGET', KEYS[2], 'token') ~= ARGV[3]", 'if false'],
    ['closes with open chunks', 'close', 'if done < c.chunks', 'if false'],
    ['marks for anybody', 'mark', "if redis.call('HGET', KEYS[1], 'aggregator') ~= ARGV[3]", 'if false'],
    ['forgets that a try before may have arrived', 'claim', "to, r.doubt = 'P', true", "to = 'P'"],
    ['skips who may have got one', 'claim', 'to, reason = ending(r, to, reason)', ''],
    ['fails who may have got one', 'turn', 'to, reason = ending(r, to, reason)', ''],
    [
      'loses who may have got one',
      'lose',
      'local to, reason = ending(r, ',
      'local to, reason = (function(_, ...) return ... end)(r, ',
    ],
    ['closes an older round', 'close', "if c.round ~= ARGV[2] then return { 'round' } end", ''],
    ['marks an older round', 'mark', "if c.round ~= ARGV[2] then return { 'round' } end", ''],
    ['drops a late word on a round that is queued', 'turn', " and c.phase ~= 'queued'", ''],
    ['takes a late failure of an older round', 'turn', "from == 'U' and sameRound and", "from == 'U' and"],
    ['settles for an owner of an older round', 'turn', 'local mine = sameRound and', 'local mine ='],
    ['finishes for an older round', 'finish', "if c.round ~= ARGV[2] then return { 'round' } end", ''],
    ['reopens what has not ended', 'reopen', "if c.phase ~= 'completed' and", 'if false and'],
    ['reopens an older round', 'reopen', "if c.round ~= ARGV[2] then return { 'round' } end", ''],
    ['counts as before when it reopens', 'reopen', "redis.call('HSET', KEYS[2], name, counters[name] or 0)", ''],
    ['leaves chunks finished when it reopens', 'reopen', "redis.call('SETBIT', KEYS[3], n, 0)", ''],
    ['leaves the states as they were when it reopens', 'reopen', "{ 'states:', 'records:' }", "{ 'records:' }"],
    ['leaves the attempts as they were when it reopens', 'reopen', "{ 'states:', 'records:' }", "{ 'states:' }"],
    ['keeps counting claims when it reopens', 'reopen', "'claims', 0", "'claims', 20"],
    ['stays paused when it reopens', 'reopen', "'HDEL', KEYS[1], 'paused', ", "'HDEL', KEYS[1], "],
    ['stays cancelled when it reopens', 'reopen', "'paused', 'cancelling', 'startedAt'", "'paused', 'startedAt'"],
    ['hears late words again when it reopens', 'reopen', "redis.call('DEL', KEYS[4], KEYS[5])", ''],
    ['begins outside its hours', 'turn', "if not maySend(c, now) then return 'waits', '' end", ''],
    ['claims outside its hours', 'claim', 'if not maySend(c, now) then', 'if false then'],
    ['waits for its hours although it is cancelled', 'claim', 'if not c.cancelling and not expired', 'if not expired'],
    ['begins more than the canary', 'turn', 'index < part and', 'index <= part and'],
    ['claims who is not of the canary', 'claim', "if wait > 0 then return { 'held', wait } end", ''],
    ['holds a canary that is on the wire', 'finish', "'[PI]') then return 0", "'[P]') then return 0"],
    ['holds after one chunk of the canary', 'finish', "'canaryLeft', -1) == 0", "'canaryLeft', -1) >= 0"],
    [
      'never holds a canary that finishes its chunk',
      'finish',
      'local canaryMs = part and canaryWait',
      'local canaryMs = part and string.find(states, "[PID]") and canaryWait',
    ],
    ['judges without unknown ones', 'judge', "state == 'F' or state == 'U'", "state == 'F'"],
    ['keeps its canary after the judgement', 'judge', "'HDEL', KEYS[1], 'canary', ", "'HDEL', KEYS[1], "],
    ['keeps its canary when it is released', 'control', "'closesAt', 'canary', ", "'closesAt', "],
    ['keeps its canary when it reopens', 'reopen', "'closesAt', 'canary', ", "'closesAt', "],
    ['keeps its hours when it is released', 'control', "'paused', 'opensAt', ", "'paused', "],
    ['loses what is in flight', 'lose', "string.find(states, '[PD]')", "string.find(states, '[PID]')"],
  ])('%s', async (_name, script, from, to) => {
    const broken = withBroken(script, from, to);
    expect(broken.changed, `${script}.lua has not the text to break`).toBe(true);
    await expect(holds(2_000, broken.redis, 7)).rejects.toThrow(/Property failed/);
  });
});
