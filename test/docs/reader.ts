import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../scripts/free-port.js';
import { until } from '../support/cli.js';
import { DNS_OF_DOCS, startDns } from '../support/dns.js';
import { freshRedis } from '../support/redis.js';
import type { Statement } from './snippets.js';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Run until they are told to stop. */
const GOES_ON = /^(?:\w+=\S+ )*fanmail (?:catch|serve|worker)\b/;
const LONGEST_MS = 60_000;

export interface Ran {
  /** Null where it had to be killed, since it did not come to its end. */
  readonly code: number | null;
  /** Standard output and standard error, as they came. */
  readonly printed: string;
}

/** Somebody who does what a page says: a folder and a home of their own, a shell, a Redis, ports for a mail catcher and `fanmail serve`. */
export interface Reader {
  readonly folder: string;
  readonly ports: {
    readonly smtp: number;
    readonly http: number;
    readonly serve: number;
    readonly redis: string;
    readonly dns: string;
  };
  write(path: string, content: string | Buffer): void;
  /** Runs a command to its end; one that goes on for ever is begun, and its output so far returned. */
  run(statement: Statement): Promise<Ran>;
  /** Goes to a section of the page, where a new one is another terminal: variables that were exported are forgotten. */
  enter(section: number): void;
  /** Ends by SIGTERM what goes on: each with its exit code. */
  stop(): Promise<readonly (readonly [command: string, code: number | null])[]>;
  /** Removes everything. */
  leave(): Promise<void>;
}

export async function newReader(variables: Readonly<Record<string, string>> = {}): Promise<Reader> {
  if (!existsSync(PROGRAM)) throw new Error('the program is not built: npm run build');
  const folder = mkdtempSync(join(tmpdir(), 'fm-'));
  const outside = mkdtempSync(join(tmpdir(), 'fm-'));
  const redis = await freshRedis({ persist: true });
  const dns = await startDns(DNS_OF_DOCS);
  const own = { smtp: await freePort(), http: await freePort(), serve: await freePort() };
  const ports = { ...own, redis: `unix://${redis.path}`, dns: dns.address };
  const state = join(outside, 'state');
  const going = new Map<string, { readonly child: ChildProcess; readonly log: string }>();
  const bin = binFolder(outside);
  const around = Object.entries(process.env).filter(
    ([name]) => !/^(FANMAIL_(?!REDIS_BIN)|(SMTP|REDIS)_URL$)/.test(name),
  );
  const env = {
    ...Object.fromEntries(around),
    PATH: `${bin}:${process.env.PATH}`,
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
    HOME: folder,
    FANMAIL_HOME: join(folder, '.fanmail'),
    FANMAIL_CATCH_PORT: String(ports.smtp),
    FANMAIL_CATCH_HTTP_PORT: String(ports.http),
    FANMAIL_LISTEN: String(ports.serve),
    // One worker process sends a few messages as well as two, and takes half as long to start.
    FANMAIL_WORKERS: '1',
    ...variables,
  };
  let logs = 0;
  let current = 0;

  function start(script: string) {
    const log = join(outside, `log-${++logs}`);
    const fd = openSync(log, 'a');
    const child = spawn('bash', ['-c', `[ -e ${state} ] && source ${state}\ncd "$PWD"\n${script}`], {
      cwd: folder,
      env,
      stdio: ['ignore', fd, fd],
    });
    closeSync(fd);
    return { child, log };
  }

  async function toItsEnd(text: string): Promise<Ran> {
    const { child, log } = start(`${text}\ncode=$?; export -p > ${state}; exit $code`);
    await gone(child);
    return { code: child.exitCode, printed: readFileSync(log, 'utf8') };
  }

  async function begin(text: string): Promise<Ran> {
    const running = start(`exec env ${text.replace(/&$/, '')}`);
    going.set(text, running);
    const printed = await until(async () => {
      const said = readFileSync(running.log, 'utf8');
      return /^Messages are kept|Ctrl-C drains|until told to stop/m.test(said) || running.child.exitCode !== null
        ? said
        : null;
    }, `"${text}" getting ready`);
    return { code: running.child.exitCode ?? 0, printed };
  }

  return {
    folder,
    ports,
    write(path, content) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    },
    run: ({ text }) => (GOES_ON.test(text) && !/--help/.test(text) ? begin(text) : toItsEnd(text)),
    enter(section) {
      if (section !== current) rmSync(state, { force: true });
      current = section;
    },
    async stop() {
      const ended = [];
      for (const [text, { child }] of [...going].reverse()) {
        child.kill('SIGTERM');
        await gone(child);
        ended.push([text, child.exitCode] as const);
      }
      going.clear();
      return ended;
    },
    async leave() {
      for (const { child } of going.values()) child.kill('SIGKILL');
      rmSync(state, { force: true });
      for (const home of ['.fanmail', '.paused']) {
        if (existsSync(join(folder, home, 'redis', 'redis.pid')))
          await toItsEnd(`fanmail redis stop --home ${join(folder, home)}`);
      }
      await redis.stop();
      await dns.close();
      for (const one of [folder, outside]) rmSync(one, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Resolves when it has ended; it is killed where that takes too long. */
async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const late = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
  await once(child, 'exit');
  clearTimeout(late);
}

/** A folder for the PATH, with the built program, and a browser that opens nothing. */
function binFolder(outside: string): string {
  const bin = join(outside, 'bin');
  mkdirSync(bin);
  const scripts = { fanmail: `exec ${process.execPath} ${PROGRAM} "$@"`, 'xdg-open': 'exit 0', open: 'exit 0' };
  for (const [name, line] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}
