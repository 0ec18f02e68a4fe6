import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { countStalls } from '../../scripts/bench/stalls.js';
import { createLogger } from '../../src/runtime/logger.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmail-stalls-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("finds in the logger's own lines what speaks of a stall or a lost lock, and nothing else", async () => {
  const file = join(folder, 'log');
  const log = createLogger({ level: 'warn', file });
  log.warn({ job: 'c-1-2' }, 'a job was taken over from a worker that went silent');
  log.warn({ err: new Error('could not renew lock for job c-1-2') }, 'the queue reports an error');
  log.warn({ err: new Error('Connection is closed: blocked') }, 'the queue reports an error');
  log.error({ job: 'clock' }, 'outcomes could not be settled; trying again');
  log.close();
  await expect.poll(() => readFileSync(file, 'utf8').split('\n').length).toBe(5);
  expect(countStalls(readFileSync(file, 'utf8'))).toBe(2);
});

it('overlooks no line that it does not understand', () => {
  expect(countStalls('')).toBe(0);
  expect(() => countStalls('{"msg":"a lo')).toThrow(SyntaxError);
});
