import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger, type Logger, type LogLevel, scrubText } from '../../src/runtime/logger.js';

let folder: string;
let log: Logger;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmail-log-'));
});
afterEach(() => {
  log.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(level: LogLevel = 'debug'): Logger {
  log = createLogger({ level, file: join(folder, 'deep', 'fanmail.log'), base: { role: 'worker' } });
  return log;
}
const text = () => readFileSync(join(folder, 'deep', 'fanmail.log'), 'utf8');
const lines = () =>
  text()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('a line is one JSON object with level, fields and message, there at once', () => {
  open().info({ chunk: 3 }, 'chunk begun');
  expect(lines()).toMatchObject([{ level: 'info', role: 'worker', pid: process.pid, chunk: 3, msg: 'chunk begun' }]);
});

test('what is below the level is not written', () => {
  open('warn').info({}, 'unseen');
  log.error({}, 'seen');
  expect(lines().map((line) => line.msg)).toEqual(['seen']);
});

test('no credential gets out: not by field, URL, error, cause, nesting or message', () => {
  const cause = new Error('AUTH for rediss://u:hunter2@r failed');
  const err = new Error('connect smtp://me:hunter2@relay:587 refused', { cause });
  open().error(
    {
      err,
      password: 'hunter2',
      smtp_url: 'hunter2',
      relay: { auth: { user: 'me', pass: 'hunter2' } },
      urls: ['redis://:hunter2@h'],
    },
    'lost redis://a:hunt@hunter2@host/0',
  );
  expect(text()).not.toContain('hunter2');
  expect(lines()).toMatchObject([
    {
      msg: 'lost redis://***@host/0',
      err: { message: 'connect smtp://***@relay:587 refused', cause: { message: 'AUTH for rediss://***@r failed' } },
      urls: ['redis://***@h'],
      relay: { auth: '***' },
    },
  ]);
});

test('addresses and URLs without a login stay as they are', () => {
  const plain = 'sent to jo@example.com by smtp://relay.example:25';
  open();
  expect(scrubText(plain)).toBe(plain);
});
