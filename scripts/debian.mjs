// Debian's packages without installing them. Plain Node, since a fresh clone has nothing else yet.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Downloads packages into the folder `work` and unpacks them there. Each is a list of the names that it has in one release or
 * another; the first package has to be had, others may be on the system already. Returns the folder with their files, or null.
 */
export function unpackDebian(packages, work) {
  if (!download(packages, work, [])) {
    // No package lists here, as in most container images: fetch some for this purpose alone.
    const own = [`Dir::State::Lists=${work}/lists`, `Dir::Cache=${work}/cache`].flatMap((option) => ['-o', option]);
    for (const folder of ['lists/partial', 'cache/archives/partial'])
      mkdirSync(join(work, folder), { recursive: true });
    // Root's apt drops to a user that can't write here.
    own.push('-o', 'APT::Sandbox::User=root');
    spawnSync('apt-get', [...own, 'update', '-qq'], { stdio: 'ignore' });
    if (!download(packages, work, own)) return null;
  }
  const root = join(work, 'root');
  for (const file of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
    spawnSync('dpkg', ['-x', join(work, file), root], { stdio: 'ignore' });
  }
  return root;
}

function download(packages, folder, options) {
  const one = (name) =>
    spawnSync('apt-get', [...options, 'download', '-qq', name], { cwd: folder, stdio: 'ignore' }).status === 0;
  return packages.map((names) => names.some(one))[0];
}
