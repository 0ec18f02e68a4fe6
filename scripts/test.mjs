// Sets up what is missing, runs the tests (arguments go to vitest), and ends with the line "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { provideClockLibrary } from './clock-library.mjs';

const scripts = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fanmail-report-'));
const report = join(folder, 'report.json');
try {
  const setup = node(join(scripts, 'setup.mjs'));
  provideClockLibrary();
  const status = setup === 0 ? runTests() : setup;
  const { passed, failed, skipped } = counts(status);
  process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  process.exitCode = status;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function runTests() {
  const vitest = join(scripts, '..', 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  return node(vitest, 'run', ...reporters, ...process.argv.slice(2));
}

function node(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: join(scripts, '..'), stdio: 'inherit' });
  return status ?? 1;
}

/** Whatever fails without a test of its own, such as a file that can't be imported or a crash, counts as one failure. */
function counts(status) {
  const none = { passed: 0, failed: status === 0 ? 0 : 1, skipped: 0 };
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return none;
  }
  const brokenFiles = result.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  );
  const failed = result.numFailedTests + brokenFiles.length;
  return {
    passed: result.numPassedTests,
    failed: Math.max(failed, none.failed),
    skipped: result.numPendingTests + result.numTodoTests,
  };
}
