import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { withBroken } from '../redis/ledger/broken.js';
import { freshRedis } from '../support/redis.js';
import { liveLives } from './lives.js';
import { parseOptions, UsageError } from './options.js';
import { playRound } from './round.js';
import { drawWorld, type World } from './world.js';

const run = promisify(execFile);

describe('the arguments of a soak', () => {
  it('have defaults, and a seed that is drawn where none is given', () => {
    expect(parseOptions([], () => 5)).toEqual({
      ...{ minutes: 10, seed: 5, round: null, all: false, json: null, help: false },
    });
    expect(parseOptions(['--minutes', '0.5', '--seed', '0', '--round', '3', '--all', '--json', 'f'], () => 5)).toEqual({
      ...{ minutes: 0.5, seed: 0, round: 3, all: true, json: 'f', help: false },
    });
  });

  it.each([
    [['--minutes', 'ten'], '--minutes is "ten": allowed is a number from 0.1 to 10080'],
    [['--minutes', '0'], '--minutes is "0"'],
    [['--seed', '-1'], "'--seed"],
    [['--seed', '4294967296'], '--seed is "4294967296": allowed is a whole number from 0 to 4294967295'],
    [['--round', '1.5'], '--round is "1.5": allowed is a whole number from 1'],
    [['--rounds', '1'], "'--rounds'. Allowed are --minutes, --seed"],
    [['now'], "'now'"],
  ])('%j are refused with what is allowed', (args, message) => {
    expect(() => parseOptions(args, () => 5)).toThrow(UsageError);
    expect(() => parseOptions(args, () => 5)).toThrow(message);
  });

  it('that are wrong end the command with 2, and --help prints what there is', async () => {
    const command = ['--import', 'tsx', 'scripts/soak.ts'];
    const wrong = run(process.execPath, [...command, '--seed', 'x']);
    await expect(wrong).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--seed is "x"') });
    expect((await run(process.execPath, [...command, '--help'])).stdout).toContain('--minutes N');
  });
});

describe('lives of the ledger', () => {
  it('keep to the model’s rules, and a ledger without its fence does not', async () => {
    const server = await freshRedis();
    try {
      expect(await liveLives(3, 20, server.client())).toBe('holds');
      // Every settle says that whoever speaks owns the chunk.
      const withoutFence = withBroken(server.client(), 'turn', 'if mine and from', 'if from');
      expect(withoutFence.changed).toBe(true);
      expect(await liveLives(3, 100, withoutFence.redis)).toContain('the rules');
    } finally {
      await server.stop();
    }
  });
});

describe('a round', () => {
  it('of real processes, one of them killed: nothing is found, and nothing is left behind', async () => {
    const drawn = drawWorld(1, 1);
    const world: World = {
      name: 'short',
      campaigns: [{ id: 'short', rows: 300, chunkSize: 50, onUnknown: 'hold', at: 0, launch: 'whole' }],
      crews: [{ processes: 2, connections: 3, chunks: 2 }],
      mood: {
        ...drawn.mood,
        delayMs: 60,
        faults: [{ stage: 'message', name: 'half-kept', share: 0.02 }],
        refused: 0.05,
      },
      steps: [{ do: 'kill', crew: 0, process: 1, at: 1_500 }],
    };
    const own = mkdtempSync(join(tmpdir(), 'soak-'));
    vi.stubEnv('TMPDIR', own);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(own, { recursive: true });
    });
    const { verdicts, ...result } = await playRound(world).result;
    expect(result).toMatchObject({ breaches: [], kept: null, kills: 1, wire: 3, recipients: 300 });
    expect(result.relayFaults).toBeGreaterThan(5);
    expect(result.looks).toBeGreaterThan(5);
    expect(verdicts).toMatchObject([{ id: 'short', secondCopies: 0, lost: 0 }]);
    expect(verdicts[0]?.accepted).toBeGreaterThan(200);
    // tsx keeps its cache there.
    expect(readdirSync(own).filter((name) => !name.startsWith('tsx-'))).toEqual([]);
  }, 100_000);
});
