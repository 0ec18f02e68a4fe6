import { describe, expect, it } from 'vitest';
import type { ScriptEvent } from '../support/script-relay.js';
import { createDice, fate } from './dice.js';
import { behaviourOf, type FaultLine, type Mood } from './mood.js';
import { drawWorld } from './world.js';

const WORLDS = Array.from({ length: 400 }, (_, round) => drawWorld(11, round + 1));

describe('a world', () => {
  it('is the same for the same seed and round, and another one for any other', () => {
    expect(drawWorld(7, 3)).toEqual(drawWorld(7, 3));
    expect(new Set(WORLDS.map((world) => JSON.stringify({ ...world, name: '', mood: '' }))).size).toBe(WORLDS.length);
    expect(drawWorld(7, 3).campaigns).not.toEqual(drawWorld(8, 3).campaigns);
  });

  it('keeps to its limits, with every deed, choice and launch among many', () => {
    const campaigns = WORLDS.flatMap((world) => world.campaigns);
    expect(campaigns.every(({ rows }) => rows >= 200 && rows <= 3_000)).toBe(true);
    expect(new Set(campaigns.map(({ onUnknown }) => onUnknown))).toEqual(new Set(['hold', 'resend']));
    expect(new Set(campaigns.map(({ launch }) => launch)).size).toBe(3);
    const deeds = new Set(WORLDS.flatMap((world) => world.steps.map((step) => step.do)));
    expect(deeds.size).toBe(14);
    expect(WORLDS.every(({ steps }) => steps.every(({ at }, i) => at >= (steps[i - 1]?.at ?? 0)))).toBe(true);
  });
});

describe('dice', () => {
  it('give numbers of a range evenly, and names by their weight', () => {
    const dice = createDice('even');
    const throws = Array.from({ length: 6_000 }, () => dice.int(1, 6));
    for (let face = 1; face <= 6; face++) expect(throws.filter((one) => one === face).length).toBeGreaterThan(850);
    const names = Array.from({ length: 4_000 }, () => dice.weighted({ often: 3, seldom: 1, never: 0 }));
    expect(names.filter((name) => name === 'often').length / 4_000).toBeCloseTo(0.75, 1);
    expect(names).not.toContain('never');
    expect(fate('a', 1)).toBe(fate('a', 1));
    expect(fate('a', 1)).not.toBe(fate('a', 2));
  });
});

describe('a relay with a mood', () => {
  const mood: Mood = {
    ...{ seed: 's', delayMs: 1, pipelining: true, refused: 0.1, poison: 'user7@' },
    faults: [
      { stage: 'message', name: 'drop-kept', share: 0.05 },
      { stage: 'rcpt', name: 'later', share: 0.05 },
    ],
  };
  const events = Array.from({ length: 1_000 }, (_, i) => ({
    ...{ connection: 1, messages: 0, line: '', address: `user${i % 500}@c0.example.com` },
    stage: i < 500 ? ('rcpt' as const) : ('message' as const),
  }));

  function faultsIn(order: readonly ScriptEvent[]): FaultLine[] {
    const lines: FaultLine[] = [];
    const behave = behaviourOf(mood, (line) => lines.push(line));
    for (const event of order) behave(event);
    return lines;
  }
  const sorted = (lines: readonly FaultLine[]) => lines.map((line) => JSON.stringify(line)).sort();

  it('does the same to the same recipients in whatever order they come', () => {
    const lines = faultsIn(events);
    expect(sorted(faultsIn([...events].reverse()))).toEqual(sorted(lines));
    const drops = lines.filter(({ name }) => name === 'drop-kept');
    expect(drops.length).toBeGreaterThan(10);
    expect(drops.every(({ doubt }) => doubt)).toBe(true);
  });

  it('refuses the same ones each time, drops the poisonous one each time, and spares the notice', () => {
    const again = [...events, ...events, ...events];
    const refused = faultsIn(again).filter(({ name }) => name.startsWith('5'));
    const times = new Map<string, number>();
    for (const { address } of refused) times.set(address, (times.get(address) ?? 0) + 1);
    expect(times.size).toBeGreaterThan(20);
    expect(new Set(times.values())).toEqual(new Set([3]));
    const data = { stage: 'data', connection: 1, messages: 0, line: '' } as const;
    const poisoned = Array.from({ length: 20 }, () => ({ ...data, address: 'user7@c0.example.com' }));
    expect(faultsIn(poisoned).length).toBe(20);
    const notices = again.map((event) => ({ ...event, address: 'operator@c0.example.net' }));
    expect(faultsIn(notices)).toEqual([]);
  });

  it('asks no recipient for more patience than there are attempts', () => {
    const busy: Mood = { ...mood, refused: 0, faults: [{ stage: 'rcpt', name: 'later', share: 1 }] };
    const lines: FaultLine[] = [];
    const behave = behaviourOf(busy, (line) => lines.push(line));
    const event = events[0];
    if (event) for (let times = 0; times < 50; times++) behave(event);
    expect(lines.length).toBe(4);
  });
});
