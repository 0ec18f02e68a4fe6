// The main job, for real: a catcher, the embedded Redis, worker processes and a campaign of 10,000 recipients. Leaves the
// results and the caught messages in .fanmail/demo, and nothing running.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const PROGRAM = join(ROOT, 'dist', 'cli', 'main.js');
const FOLDER = join(ROOT, '.fanmail', 'demo');
const LIST = join(FOLDER, 'people.csv');
const ROWS = 10_000;

/** A setting of the user's own must not send the demo anywhere else than to the catcher. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(FANMAIL_|SMTP_URL$|REDIS_URL$)/.test(name)),
);
env.FANMAIL_HOME = FOLDER;
if (process.env.FANMAIL_REDIS_BIN) env.FANMAIL_REDIS_BIN = process.env.FANMAIL_REDIS_BIN;

run(process.execPath, [join(ROOT, 'scripts', 'setup.mjs')]);
process.exitCode = await demo();

async function demo() {
  if (spawnSync(process.execPath, [PROGRAM, 'redis', 'stop'], { env, cwd: ROOT, stdio: 'ignore' }).error) return 1;
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  say(`a list of ${ROWS.toLocaleString('en')} rows, some bad, some twice: ${relative(ROOT, LIST)}`);
  const rows = ['--rows', String(ROWS), '--bad', '1%', '--duplicates', '1%', '--out', LIST];
  run(process.execPath, ['--import', 'tsx', join(ROOT, 'scripts', 'make-list.ts'), ...rows]);

  const catcher = await startCatcher();
  try {
    say(`a mail catcher on port ${catcher.smtp}; nothing leaves this machine`);
    const args = ['launch', LIST, '--template', 'newsletter', '--from', 'Fanmail News <news@example.com>'];
    args.push(
      '--smtp',
      `smtp://localhost:${catcher.smtp}`,
      '--name',
      'Demo',
      '--yes',
      '--results',
      join(FOLDER, 'results'),
    );
    say(`$ fanmail ${args.map((arg) => (/[\s<>]/.test(arg) ? `"${arg}"` : arg)).join(' ')}`);
    const launch = spawn(process.execPath, [PROGRAM, ...args], { env, cwd: ROOT, stdio: 'inherit' });
    const [code] = await once(launch, 'exit');
    await showOne(catcher.http);
    return code ?? 1;
  } finally {
    catcher.process.kill('SIGTERM');
    await once(catcher.process, 'exit');
    run(process.execPath, [PROGRAM, 'redis', 'stop']);
  }
}

/** Starts `fanmail catch` on free ports and resolves when it says which. */
async function startCatcher() {
  const args = [PROGRAM, 'catch', '--port', '0', '--http-port', '0', '--dir', join(FOLDER, 'caught')];
  const child = spawn(process.execPath, args, { env, cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
  const ports = { smtp: 0, http: 0 };
  for await (const line of createInterface({ input: child.stderr })) {
    ports.smtp ||= Number(/smtp:\/\/localhost:(\d+)/.exec(line)?.[1] ?? 0);
    ports.http ||= Number(/http:\/\/localhost:(\d+)/.exec(line)?.[1] ?? 0);
    if (ports.smtp && ports.http) break;
  }
  if (!ports.http) throw new Error('the catcher did not start');
  child.stderr.resume();
  return { process: child, ...ports };
}

/** The newest caught message, as the catcher's API tells it. */
async function showOne(port) {
  const answer = await fetch(`http://localhost:${port}/api/v2/messages?limit=1`);
  const { total, items } = await answer.json();
  const lines = items[0].Raw.Data.split('\r\n');
  say(`the catcher has ${total.toLocaleString('en')} messages; the newest begins`);
  for (const line of lines.slice(0, 24)) process.stdout.write(`  ${line}\n`);
  process.stdout.write(`  … ${lines.length - 24} lines more\n`);
}

function run(command, args) {
  const { status } = spawnSync(command, args, { env, cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
}

function say(text) {
  process.stdout.write(`\n— ${text}\n`);
}
