import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { createConnection } from 'node:net';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../free-port.js';
import type { Cleanup } from './cleanup.js';
import { nodeArgs, type Running, start } from './processes.js';
import { heldMs, lastCount } from './sink-counter.js';

/** Which relay there is to measure against. */
export interface Postfix {
  /** Its path; null: the benchmark's own is used. */
  readonly sink: string | null;
  readonly source: string | null;
  readonly env: NodeJS.ProcessEnv;
}

/** A relay in a process of its own. */
export interface Sink {
  readonly port: number;
  readonly pid: number;
  /** Resolves when exactly so many messages have arrived; rejects where they don't, or where there are more. */
  expect(messages: number): Promise<void>;
  /** Milliseconds that it held messages so far, all together. */
  heldMs(): number;
  stop(): Promise<void>;
}

const OWN = fileURLToPath(new URL('sink-main.ts', import.meta.url));
/** The counter lags a little. */
const ARRIVE_MS = 3_000;
const TAIL = 4_096;
const UP_MS = 10_000;

/** Looks for smtp-sink and smtp-source. Throws RangeError where a variable names a file that is not there. */
export function findPostfix(env: NodeJS.ProcessEnv): Postfix {
  const sink = named(env, 'SMTP_SINK') ?? onPath(env, 'smtp-sink');
  const beside = sink === null ? null : existing(join(dirname(sink), 'smtp-source'));
  const source = named(env, 'SMTP_SOURCE') ?? beside ?? onPath(env, 'smtp-source');
  const some = sink ?? source;
  // Unpacked and not installed, it finds its libraries only when told where.
  const libraries = some === null ? null : existing(resolve(dirname(some), '../lib/postfix'));
  return { sink, source, env: libraries === null ? env : { ...env, LD_LIBRARY_PATH: libraries } };
}

function named(env: NodeJS.ProcessEnv, name: string): string | null {
  const path = env[name];
  if (path === undefined || path === '') return null;
  if (!existsSync(path)) throw new RangeError(`$${name} is "${path}", and there is no such file`);
  return resolve(path);
}

function onPath(env: NodeJS.ProcessEnv, program: string): string | null {
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return (
    folders
      .filter(Boolean)
      .map((folder) => join(folder, program))
      .find(existsSync) ?? null
  );
}

function existing(path: string): string | null {
  return existsSync(path) ? path : null;
}

/** What is said of the relay in the report. */
export function describeSink({ sink }: Postfix): string {
  return sink === null ? 'the benchmark’s own (no smtp-sink found)' : 'Postfix smtp-sink';
}

/** Starts a relay; `delayMs` for each message is what only the benchmark's own can do. */
export async function startSink(
  postfix: Postfix,
  folder: string,
  cleanup: Cleanup,
  { delayMs = 0 }: { readonly delayMs?: number } = {},
): Promise<Sink> {
  const file = openSync(join(folder, `sink-${process.hrtime.bigint()}.out`), 'w+');
  const closeFile = cleanup.add(() => closeSync(file));
  const own = delayMs > 0 || postfix.sink === null;
  const sink = own
    ? await startOwn(delayMs, file, cleanup)
    : await startPostfix(postfix.sink ?? '', postfix.env, file, cleanup);
  return {
    port: sink.port,
    pid: sink.running.pid,
    expect: (messages) => arrived(file, messages),
    heldMs: () => heldMs(readTail(file, 'tail')),
    async stop() {
      await sink.running.stop();
      await closeFile();
    },
  };
}

async function startOwn(
  delayMs: number,
  stdout: number,
  cleanup: Cleanup,
): Promise<{ running: Running; port: number }> {
  const running = start(cleanup, process.execPath, nodeArgs(OWN, String(delayMs)), { stdout });
  const port = await until(running, () => /^(\d+)\n/.exec(readTail(stdout, 'head'))?.[1]);
  return { running, port: Number(port) };
}

async function startPostfix(
  path: string,
  env: NodeJS.ProcessEnv,
  stdout: number,
  cleanup: Cleanup,
): Promise<{ running: Running; port: number }> {
  const port = await freePort();
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : [];
  const args = [...user, '-c', '-m', '1100', `127.0.0.1:${port}`, '1000'];
  const running = start(cleanup, path, args, { stdout, env });
  await until(running, async () => ((await answers(port)) ? true : undefined));
  return { running, port };
}

async function until<T>(running: Running, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (const deadline = Date.now() + UP_MS; Date.now() < deadline; await wait(20)) {
    const found = await look();
    if (found !== undefined) return found;
    if (running.child.exitCode !== null) break;
  }
  throw new Error(`the relay does not come up: ${running.said()}`);
}

async function arrived(file: number, messages: number): Promise<void> {
  let seen = 0;
  for (const deadline = Date.now() + ARRIVE_MS; Date.now() < deadline; await wait(20)) {
    seen = lastCount(readTail(file, 'tail'))?.messages ?? 0;
    if (seen === messages) return;
    if (seen > messages) break;
  }
  throw new Error(`${seen} messages arrived at the relay, ${messages} were sent`);
}

function readTail(file: number, end: 'head' | 'tail'): string {
  const { size } = fstatSync(file);
  const bytes = Buffer.alloc(Math.min(size, TAIL));
  readSync(file, bytes, 0, bytes.length, end === 'head' ? 0 : size - bytes.length);
  return bytes.toString('latin1');
}

function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1');
  return new Promise((done) => {
    socket.once('connect', () => done(true)).once('error', () => done(false));
  }).then((up) => {
    socket.destroy();
    return up === true;
  });
}
