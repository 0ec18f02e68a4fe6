// Makes a fresh clone ready: packages, build, a Redis server. Plain Node, since nothing is installed yet. Says a line for
// each thing that it does, and nothing where all is done.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { unpackDebian } from './debian.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const LEAST_NODE = [20, 19];
/** Debian's redis-tools holds the server's binary under another name; the rest are the libraries that it may lack. */
const DEBS = [
  ['redis-tools'],
  ['libjemalloc2'],
  ['liblzf1'],
  ['libatomic1'],
  ['libssl3', 'libssl3t64'],
  ['libstdc++6'],
  ['libsystemd0'],
];
const INSTALLERS = [
  ['apt-get', 'apt-get install -y redis-server'],
  ['brew', 'brew install redis'],
  ['dnf', 'dnf install -y valkey'],
  ['apk', 'apk add redis'],
  ['pacman', 'pacman -S valkey'],
];

checkNode();
installPackages();
build();
linkProgram();
await provideRedis();

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return;
  fail(`fanmail needs Node ${LEAST_NODE.join('.')} or newer; this is ${process.version} (${process.execPath}).`);
}

/** `npm ci`, where node_modules doesn't come from this lock file and this platform. */
function installPackages() {
  const stamp = join(ROOT, 'node_modules', '.fanmail-packages');
  const wanted = digest([join(ROOT, 'package-lock.json')], `${process.platform} ${process.arch}`);
  if (read(stamp) === wanted) return;
  say(existsSync(join(ROOT, 'node_modules')) ? 'packages changed: npm ci' : 'installing packages: npm ci');
  const windows = process.platform === 'win32';
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  run(windows ? 'npm.cmd' : 'npm', args, 'npm ci failed; see above.', { shell: windows });
  writeFileSync(stamp, wanted);
}

/** Compiles src/ to dist/ and puts the Lua scripts beside, where sources, compiler or its options changed. */
function build() {
  const dist = join(ROOT, 'dist');
  const stamp = join(dist, '.stamp');
  const sources = filesUnder(join(ROOT, 'src'));
  const inputs = [...sources, join(ROOT, 'tsconfig.json'), join(ROOT, 'package-lock.json')];
  const wanted = digest(inputs, '');
  if (read(stamp) === wanted) return;
  say('building dist/');
  rmSync(stamp, { force: true });
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  run(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.json')], 'The build failed; see above.');
  const expected = new Set(sources.flatMap(copyOrName));
  for (const file of filesUnder(dist)) if (!expected.has(file)) rmSync(file);
  writeFileSync(stamp, wanted);

  function copyOrName(source) {
    const target = join(dist, relative(join(ROOT, 'src'), source));
    if (source.endsWith('.ts')) return [target.replace(/ts$/, 'js'), target.replace(/ts$/, 'js.map')];
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(source, target);
    return [target];
  }
}

/** `npx fanmail` in the clone looks here; npm links the programs of dependencies only. */
function linkProgram() {
  const link = join(ROOT, 'node_modules', '.bin', 'fanmail');
  const main = join(ROOT, 'dist', 'cli', 'main.js');
  if (process.platform === 'win32' || !existsSync(main)) return;
  chmodSync(main, 0o755);
  if (existsSync(link)) return;
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(relative(dirname(link), main), link);
}

/** What the program itself would find; else a private copy; else, as root, the system's package. */
async function provideRedis() {
  const { findServerBinary, cacheFolder } = await import('../dist/redis/find-server.js');
  const cache = cacheFolder(process.env);
  const find = () => {
    try {
      return findServerBinary({ bin: process.env.FANMAIL_REDIS_BIN, path: process.env.PATH, cache }).bin;
    } catch (error) {
      if (error.code === 'REDIS_NO_SERVER') return undefined;
      return fail(`${error.message} ${error.hint ?? ''}`);
    }
  };
  const found = find();
  // The private copy needs libraries of the system, which an upgrade may have taken away.
  if (found && (found !== join(cache ?? '', 'redis-server') || works(found))) return;
  if (cache && has('apt-get') && has('dpkg')) {
    say(`no redis-server found: putting a private copy into ${cache} (4 MB from the system's package source)`);
    if (privateCopy(cache)) return;
    say('that did not work');
  }
  if (process.getuid?.() === 0 && has('apt-get')) {
    say('installing it: apt-get install -y redis-server');
    // Without a runlevel Debian starts no service for it: fanmail starts its own server.
    const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' };
    const install = () =>
      spawnSync('apt-get', ['install', '-y', '-qq', 'redis-server'], { stdio: 'ignore', env }).status;
    if (install() !== 0) {
      spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
      install();
    }
    const installed = find();
    if (installed && works(installed)) return;
  }
  const [, command] = INSTALLERS.find(([name]) => has(name)) ?? [];
  const sudo = command && !command.startsWith('brew') && process.getuid?.() !== 0 ? 'sudo ' : '';
  fail(
    `No redis-server or valkey-server was found. ${command ? `Run:\n\n  ${sudo}${command}\n` : 'Install Redis 6.2 or newer.'}\n` +
      'or name a binary in FANMAIL_REDIS_BIN. Then run this again.',
  );
}

/** Unpacks Debian's packages without installing them. */
function privateCopy(cache) {
  mkdirSync(dirname(cache), { recursive: true });
  const work = mkdtempSync(`${cache}-`);
  const final = join(cache, 'root');
  try {
    const root = unpackDebian(DEBS, work);
    if (root === null) return false;
    const bin = join(root, 'usr', 'bin');
    if (!existsSync(join(bin, 'redis-server'))) symlinkSync('redis-check-rdb', join(bin, 'redis-server'));
    const libraries = new Set(
      filesUnder(root)
        .filter((file) => /\.so[.\d]*$/.test(file))
        .map(dirname),
    );
    rmSync(final, { recursive: true, force: true });
    mkdirSync(cache, { recursive: true });
    renameSync(root, final);
    const folders = [...libraries].map((folder) => join(final, relative(root, folder)));
    const wrapper = join(cache, 'redis-server');
    const server = join(final, 'usr', 'bin', 'redis-server');
    const script = `#!/bin/sh\nLD_LIBRARY_PATH=${quoted(folders.join(':'))} exec ${quoted(server)} "$@"\n`;
    writeFileSync(wrapper, script, { mode: 0o755 });
    if (works(wrapper)) return true;
    rmSync(wrapper);
    return false;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function works(bin) {
  const { status, stdout } = spawnSync(bin, ['--version'], { encoding: 'utf8' });
  return status === 0 && /server v=/i.test(stdout);
}

function has(program) {
  const folders = (process.env.PATH ?? '').split(':');
  return folders.some((folder) => folder && existsSync(join(folder, program)));
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function digest(files, salt) {
  const hash = createHash('sha256').update(salt);
  for (const file of files) hash.update(`\n${relative(ROOT, file)}\n`).update(readFileSync(file));
  return hash.digest('hex');
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function run(command, args, failure, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], ...options });
  if (status !== 0) fail(error ? `${failure} (${error.message})` : failure);
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function fail(text) {
  process.stderr.write(`setup: ${text}\n`);
  process.exit(1);
}
