import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

interface Entry {
  readonly version: string;
  readonly engines?: { readonly node?: string };
  readonly hasInstallScript?: boolean;
  readonly optional?: boolean;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const root = join(import.meta.dirname, '..', '..');
const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));
const { packages } = read('package-lock.json') as { packages: Record<string, Entry> };

test('the lock has an entry for the packages of every platform, or npm ci refuses it there (scripts/complete-lock.mjs)', () => {
  const missing = Object.entries(packages).flatMap(([parent, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !packages[`node_modules/${name}`] && !packages[`${parent}/node_modules/${name}`],
    ),
  );
  expect(missing).toEqual([]);
});

test('no package that is needed at run time has an install script', () => {
  const scripted = Object.entries(packages).filter(
    ([, entry]) => entry.hasInstallScript && !entry.dev && !entry.optional,
  );
  expect(scripted.map(([path]) => path)).toEqual([]);
});

test('every install script is denied by name, so that npm asks nobody about it', () => {
  const { allowScripts } = read('package.json') as { allowScripts: Record<string, boolean> };
  const scripted = Object.entries(packages).filter(([, entry]) => entry.hasInstallScript);
  for (const [path] of scripted) expect(allowScripts).toHaveProperty([path.replace(/^.*node_modules\//, '')], false);
});
