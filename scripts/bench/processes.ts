import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Cleanup } from './cleanup.js';

/** Longer than a worker's grace: it is killed where it takes longer. */
const STOP_MS = 25_000;
const TAIL = 4_000;

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The end of its standard error. */
  said(): string;
  /** SIGTERM, later SIGKILL; resolves when it is gone. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Where its standard output goes: a file descriptor, or a pipe by default. */
  readonly stdout?: number;
  /** Whether it is told something; otherwise its standard input is empty. */
  readonly asks?: boolean;
}

/** Starts a process that does not outlive the run. */
export function start(cleanup: Cleanup, command: string, args: readonly string[], options: StartOptions = {}): Running {
  const { cwd, env = process.env, stdout = 'pipe', asks = false } = options;
  const stdio: StdioOptions = [asks ? 'pipe' : 'ignore', stdout, 'pipe'];
  const child = spawn(command, args, { ...(cwd === undefined ? {} : { cwd }), env, stdio });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-TAIL);
  });
  // A command that can't be started has an `error` and no exit.
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      said += error.message;
      resolve();
    });
  });
  const stop = cleanup.add(async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(late);
  });
  return { child, pid: child.pid ?? 0, said: () => said, stop };
}

/** Runs a command to its end and returns what it printed; rejects with what it said where it fails. */
export async function runCommand(
  cleanup: Cleanup,
  command: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<string> {
  const running = start(cleanup, command, args, options);
  let out = '';
  running.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const [code, signal] = await once(running.child, 'close');
  await running.stop();
  if (code !== 0) throw new Error(`${args[0]} ended with ${code ?? signal}: ${running.said() || out}`);
  return out;
}

/** A Node program of the project's own, in TypeScript. */
export function nodeArgs(file: string, ...args: readonly string[]): string[] {
  return ['--import', import.meta.resolve('tsx'), file, ...args];
}

/** Microseconds of CPU that a process took so far, to 10 ms; null where there is no /proc (elsewhere than on Linux). */
export function cpuMicroseconds(pid: number): number | null {
  const stat = readProc(pid, 'stat');
  // The name in brackets may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(') ') + 2).split(' ');
  return fields ? (Number(fields[11]) + Number(fields[12])) * 10_000 : null;
}

/** Resident memory in bytes; null where there is no /proc. */
export function residentBytes(pid: number): number | null {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readProc(pid, 'status') ?? '')?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

function readProc(pid: number, name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return null;
  }
}
