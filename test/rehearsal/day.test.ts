import { describe, expect, it } from 'vitest';
import { Day } from '../../src/rehearsal/day.js';
import { parseScenario } from '../../src/rehearsal/scenario.js';

const scenario = (rules: readonly object[]) => parseScenario(JSON.stringify({ rules }), 'test');
const ADDRESSES = Array.from({ length: 5_000 }, (_, i) => `user${i}@${i % 2 ? 'gmail.com' : 'mail.example.com'}`);

function struck(rules: readonly object[], seed = 1): string[] {
  const day = new Day(scenario(rules), seed);
  return ADDRESSES.filter((address) => day.act('recipient', address) !== null);
}

describe('a day', () => {
  it('strikes the same recipients again for the same seed, others for another, and as many as it says', () => {
    const rules = [{ fault: 'greylist', percent: 10 }];
    const first = struck(rules);
    expect(struck(rules)).toEqual(first);
    expect(struck(rules, 2)).not.toEqual(first);
    // Five standard deviations of a binomial with 5,000 and 0.1.
    expect(Math.abs(first.length - 500)).toBeLessThan(106);
  });

  it('strikes with each rule recipients of its own', () => {
    const both = struck([
      { fault: 'greylist', percent: 50 },
      { fault: 'refuse', percent: 50 },
    ]);
    expect(Math.abs(both.length - 3_750)).toBeLessThan(153);
  });

  it('strikes a share of the domains that a rule names, and all below one with an asterisk', () => {
    expect(struck([{ fault: 'refuse', domains: ['gmail.com'] }])).toEqual(
      ADDRESSES.filter((address) => address.endsWith('@gmail.com')),
    );
    expect(struck([{ fault: 'refuse', domains: ['*.example.com'] }])).toHaveLength(2_500);
    expect(struck([{ fault: 'refuse', domains: ['example.com'] }])).toEqual([]);
    const some = struck([{ fault: 'refuse', domains: ['gmail.com'], percent: 10 }]);
    expect(some.every((address) => address.endsWith('@gmail.com'))).toBe(true);
    expect(Math.abs(some.length - 250)).toBeLessThan(75);
    expect(
      new Day(scenario([{ fault: 'refuse', domains: ['gmail.com'] }]), 1).act('recipient', 'a@Gmail.COM'),
    ).not.toBe(null);
  });

  it('strikes each recipient as often as a rule says, then goes on to the next rule', () => {
    const rules = [{ fault: 'greylist', times: 2 }, { fault: 'throttle' }];
    const day = new Day(scenario(rules), 1);
    const faults = (address: string) => Array.from({ length: 4 }, () => day.act('recipient', address)?.fault);
    expect(faults('a@example.com')).toEqual(['greylist', 'greylist', 'throttle', undefined]);
    expect(faults('b@example.com')).toEqual(['greylist', 'greylist', 'throttle', undefined]);
  });

  it('refuses again and again', () => {
    const day = new Day(scenario([{ fault: 'refuse' }]), 1);
    for (let i = 0; i < 50; i++) expect(day.act('recipient', 'a@example.com')?.fault).toBe('refuse');
  });

  it('acts at the stage of the rule alone', () => {
    const day = new Day(scenario([{ fault: 'drop', at: 'data' }]), 1);
    expect(day.act('recipient', 'a@example.com')).toBeNull();
    expect(day.act('message', 'a@example.com')).toBeNull();
    expect(day.act('data', 'a@example.com')).toEqual({ kind: 'drop', fault: 'drop', kept: false });
  });

  it('keeps the share of the dropped messages that a rule says, and none that break before', () => {
    const kept = (rule: object) => {
      const day = new Day(scenario([{ fault: 'drop', ...rule }]), 1);
      const stage = 'at' in rule ? 'data' : 'message';
      return ADDRESSES.filter((address) => {
        const act = day.act(stage, address);
        return act?.kind === 'drop' && act.kept;
      }).length;
    };
    expect(kept({ keptPercent: 100 })).toBe(5_000);
    expect(kept({ keptPercent: 0 })).toBe(0);
    expect(Math.abs(kept({ keptPercent: 20 }) - 1_000)).toBeLessThan(142);
    expect(kept({ keptPercent: 100, at: 'data' })).toBe(0);
  });

  it('adds up the delays of all rules that are about somebody', () => {
    const slow = { fault: 'slow', delayMs: 100 };
    const day = new Day(scenario([slow, { fault: 'slow', domains: ['gmail.com'], delayMs: 20 }]), 1);
    expect([day.delayMs('a@gmail.com'), day.delayMs('a@example.com')]).toEqual([120, 100]);
    expect(day.act('message', 'a@gmail.com')).toBeNull();
  });
});
