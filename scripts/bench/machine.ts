import { spawnSync } from 'node:child_process';
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { serverBinary } from '../../test/support/redis.js';
import type { Machine } from './report.js';
import { describeSink, type Postfix } from './sink.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export function describeMachine(postfix: Postfix): Machine {
  const { stdout } = spawnSync(serverBinary(), ['--version'], { encoding: 'utf8' });
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() || 'unknown',
    memoryGB: Math.round(totalmem() / 1e9),
    load: Math.round(((loadavg()[0] ?? 0) / availableParallelism()) * 100) / 100,
    platform: `${platform()} ${arch()}`,
    node: process.versions.node,
    redis: /v=([\d.]+)/.exec(stdout)?.[1] ?? 'unknown',
    sink: describeSink(postfix),
  };
}

/** The commit that is checked out, with a + where something differs from it. */
export function describeCommit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  const { status, stdout } = git('rev-parse', '--short', 'HEAD');
  if (status !== 0) return 'unknown';
  return stdout.trim() + (git('status', '--porcelain', '--', 'src').stdout === '' ? '' : '+');
}
