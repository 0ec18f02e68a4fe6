// Run after `npm install` changed the lock: adds the packages of other platforms that npm left out because its registry,
// a mirror for instance, lacks them. Without their entries `npm ci` takes the lock for outdated and refuses it.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const path = join(dirname(fileURLToPath(import.meta.url)), '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
const added = [];
for (const [parent, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (lock.packages[`node_modules/${name}`] || lock.packages[`${parent}/node_modules/${name}`]) continue;
    lock.packages[`node_modules/${name}`] = platformEntry(name, version, entry.dev);
    added.push(name);
  }
}
if (added.length > 0) {
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = Object.fromEntries(sorted);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`package-lock.json: added ${added.join(', ')}\n`);
}

/** The platform is in the name: `…-linux-arm64-musl`. */
function platformEntry(name, version, dev) {
  const platform =
    /(android|darwin|freebsd|linux|netbsd|openbsd|win32|wasm32)(?:-([a-z0-9]+))?(?:-([a-z0-9-]+))?$/.exec(name);
  if (!platform || !/^\d/.test(version))
    throw new Error(`${name}@${version} is in no known form: add its entry by hand.`);
  const [, os, cpu, abi] = platform;
  return {
    version,
    ...(cpu ? { cpu: [cpu] } : {}),
    ...(dev ? { dev } : {}),
    ...(os === 'linux' && abi ? { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] } : {}),
    optional: true,
    os: [os],
  };
}
