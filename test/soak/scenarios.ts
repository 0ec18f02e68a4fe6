import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

export interface ScenariosResult {
  readonly passed: number;
  /** Names of scenarios, and of files that could not be run. */
  readonly failed: readonly string[];
}

/** Runs all of test/faults, the slow ones too, in a process of its own; `signal` ends it. */
export async function runScenarios(signal: AbortSignal): Promise<ScenariosResult> {
  const folder = mkdtempSync(join(tmpdir(), 'fanmail-soak-'));
  const report = join(folder, 'report.json');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', 'test/faults', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  try {
    const env = { ...process.env, FAULTS: 'all' };
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'] });
    const end = () => child.kill('SIGINT');
    signal.addEventListener('abort', end, { once: true });
    const [code] = (await once(child, 'exit')) as [number | null];
    signal.removeEventListener('abort', end);
    return resultOf(report, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function resultOf(path: string, code: number | null): ScenariosResult {
  if (!existsSync(path)) return { passed: 0, failed: ['test/faults could not be run'] };
  const report = JSON.parse(readFileSync(path, 'utf8')) as Report;
  const failed = report.testResults.flatMap(({ name, status, assertionResults }) => {
    const tests = assertionResults.filter((test) => test.status === 'failed').map(({ fullName }) => fullName);
    return tests.length === 0 && status === 'failed' ? [name] : tests;
  });
  if (failed.length === 0 && code !== 0) failed.push(`vitest, which ended with ${code}`);
  return { passed: report.numPassedTests, failed };
}
