import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshRedis, type TestRedis } from '../../support/redis.js';
import { withBroken } from './broken.js';
import { type About, holds } from './lives.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

describe('the ledger, whoever speaks in whatever order', () => {
  it('does what the rules say: it balances, nobody gets a second copy, and what is final stays so', async () => {
    await holds(redis, 'all', 800);
  }, 120_000);
});

async function isNoticed(about: About, script: string, from: string, to: string): Promise<void> {
  const broken = withBroken(redis, script, from, to);
  expect(broken.changed, `${script}.lua has not the text to break`).toBe(true);
  await expect(holds(broken.redis, about, 4_000, 7)).rejects.toThrow(/Property failed/);
}

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
    ['takes a late failure from another fence', 'turn', ' and r.due == tonumber(TOKEN) and not r.doubt', ''],
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
    ['loses what is in flight', 'lose', "string.find(states, '[PD]')", "string.find(states, '[PID]')"],
  ])('%s', (_name, ...broken) => isNoticed('chunks', ...broken), 90_000);

  it.each([
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
    ['never closes after its seal', 'seal', "if closesAt ~= ''", 'if false'],
    ['forgets at its seal when it opens', 'seal', "if opensAt ~= ''", 'if false'],
    ['forgets its canary at its seal', 'seal', 'if canaryLeft > 0', 'if false'],
    ['waits for chunks that have nobody of the canary', 'seal', "'part') ~= '0'", "'part') ~= 'none'"],
    ['takes any word about its next span', 'span', "redis.call('HGET', KEYS[1], 'closesAt') == ARGV[3] and", ''],
    ['moves a span that has not passed', 'span', ' and millis() >= c.closesAt', ''],
    ['takes the next span of an older round', 'span', "if c.round ~= ARGV[2] then return { 'round' } end", ''],
    ['judges before the hold is over', 'judge', 'if now < holdUntil', 'if false'],
    ['judges what was allowed as too many', 'judge', '+ 1e-7', '- 1e-7'],
    ['goes on where nobody of the canary has an outcome', 'judge', 'if tried == 0', 'if false'],
    [
      'judges without those who were refused for now',
      'judge',
      "if state == 'D' or state == 'I' or state == 'P'",
      'if false',
    ],
    ['judges who is not of the canary', 'judge', '0, part - 1)', '0, -1)'],
    [
      'calls for a judgement during the hold',
      'claim',
      "if c.canary == 'hold' and now >=",
      "if c.canary == 'hold' and 1 <=",
    ],
    ['counts a chunk of the canary twice', 'claim', "'tried', 1) == 1", "'tried', 1) >= 0"],
    ['counts chunks that have nobody of the canary', 'claim', 'if part > 0 and', 'if'],
    [
      'keeps its hold where somebody waits for their first try',
      'finish',
      "'[PI]') then return 0",
      "'[I]') then return 0",
    ],
    ['stays paused when it is released', 'control', "'paused', 'opensAt', 'closesAt', ", "'opensAt', 'closesAt', "],
    ['keeps its end when it is released', 'control', "'paused', 'opensAt', 'closesAt', ", "'paused', 'opensAt', "],
    ['keeps its span when it reopens', 'reopen', "'cancelled', 'opensAt', 'closesAt', ", "'cancelled', "],
    ['never closes after it reopens', 'reopen', "if ARGV[13] ~= ''", 'if false'],
  ])('%s', (_name, ...broken) => isNoticed('when', ...broken), 90_000);
});
