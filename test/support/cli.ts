import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const RELAY = fileURLToPath(new URL('./script-relay-main.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Standard error so far. */
  said(): string;
}

/** The built program in a folder of its own, with an embedded Redis of its own. */
export interface Place {
  readonly folder: string;
  /** `stdin` is a pipe where the test writes to it. */
  start(args: readonly string[], env?: Record<string, string>, stdin?: 'ignore' | 'pipe'): Running;
  run(args: readonly string[], env?: Record<string, string>): Promise<Ended>;
  /** The JSON object that a command prints; throws with what it said where it failed. */
  json<T>(args: readonly string[]): Promise<T>;
  /** A JSON file in the folder. */
  read<T>(path: string): T;
  /** Ends what was started here and removes the folder. */
  clear(): Promise<void>;
}

export function newPlace(variables: Record<string, string> = {}): Place {
  if (!existsSync(PROGRAM)) throw new Error('the program is not built: npm run build');
  const folder = mkdtempSync(join(tmpdir(), 'fm-'));
  const running = new Set<ChildProcess>();
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(FANMAIL_(?!REDIS_BIN)|SMTP_URL$|REDIS_URL$)/.test(name),
  );
  const base = { ...Object.fromEntries(own), FANMAIL_HOME: join(folder, 'home'), ...variables };

  function start(
    args: readonly string[],
    env: Record<string, string> = {},
    stdin: 'ignore' | 'pipe' = 'ignore',
  ): Running {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd: folder,
      env: { ...base, ...env },
      stdio: [stdin, 'pipe', 'pipe'],
    });
    running.add(child);
    let [out, err] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const ended = once(child, 'close').then(([code]) => {
      running.delete(child);
      return { code: code as number | null, out, err };
    });
    return { child, ended, said: () => err };
  }

  const place: Place = {
    folder,
    start,
    run: (args, env) => start(args, env).ended,
    async json<T>(args: readonly string[]): Promise<T> {
      const { out, err, code } = await place.run([...args, '--json']);
      if (out === '') throw new Error(`fanmail ${args.join(' ')} ended with ${code} and said:\n${err}`);
      return JSON.parse(out) as T;
    },
    read: <T>(path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8')) as T,
    async clear() {
      for (const child of running) child.kill('SIGKILL');
      await place.run(['redis', 'stop']);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return place;
}

/** The script relay in a process of its own; see script-relay-main.ts for the scenario. */
export async function startRelay(scenario: object): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['--import', 'tsx', RELAY, JSON.stringify(scenario)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  const { port } = JSON.parse(line) as { port: number };
  return {
    url: `smtp://127.0.0.1:${port}`,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Asks again and again until there is an answer; the only wait of these tests, and it ends by what it waits for. */
export async function until<T>(ask: () => Promise<T | null>, what: string, ms = 60_000, everyMs = 50): Promise<T> {
  const deadline = Date.now() + ms;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer !== null) return answer;
    await wait(everyMs);
  }
  throw new Error(`${what} did not happen within ${ms / 1000} s`);
}
