import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
const MAX_LINES = 300;

interface Import {
  /** `domain/state.ts`, or the name of a package. */
  readonly target: string;
  readonly local: boolean;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
}

interface Source {
  /** Below src/, as in `redis/keys.ts`. */
  readonly file: string;
  readonly folder: string;
  readonly text: string;
  /** Without comments, so that what they mention is no import. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const IMPORT = /\b(import|export)\s+(type\s+)?((?:[\w$*\s{},]|\btype\b)*?)\s*from\s*['"]([^'"]+)['"]/g;
const BARE = /^\s*import\s*['"]([^'"]+)['"]/gm;
/** `await import('x')`, and `import('x').Name` in a type. */
const INLINE = /\bimport\s*\(\s*['"]([^'"]+)['"]\s*\)/g;

/** What adapters implement. */
const isPort = (target: string): boolean =>
  /^pipeline\/(relay-|breaker-|pace-|retry-|staging-|suppression-)?ports\.ts$/.test(target);

function importsOf(file: string, code: string): Import[] {
  const resolve = (name: string, typeOnly: boolean): Import => {
    if (!name.startsWith('.')) return { target: packageOf(name), local: false, typeOnly };
    const target = relative(SRC, join(SRC, dirname(file), name)).replace(/\.js$/, '.ts');
    return { target, local: true, typeOnly };
  };
  const named = [...code.matchAll(IMPORT)].map(([, , type, names = '', from = '']) => {
    const inner =
      /\{([^}]*)\}/
        .exec(names)?.[1]
        ?.split(',')
        .map((name) => name.trim()) ?? [];
    const bound = inner.filter((name) => name !== '');
    const onlyTypes = /^\s*\{/.test(names) && bound.length > 0 && bound.every((name) => name.startsWith('type '));
    return resolve(from, type !== undefined || onlyTypes);
  });
  const others = [...code.matchAll(BARE), ...code.matchAll(INLINE)].map(([, from = '']) => resolve(from, false));
  return [...named, ...others];
}

function packageOf(name: string): string {
  if (name.startsWith('node:') || builtinModules.includes(name))
    return name.startsWith('node:') ? name : `node:${name}`;
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

const SOURCES: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort()
  .map((file) => {
    const text = readFileSync(join(SRC, file), 'utf8');
    const code = withoutComments(text);
    return {
      file,
      folder: file.includes('/') ? (file.split('/')[0] ?? '') : '',
      text,
      code,
      imports: importsOf(file, code),
    };
  });

const inside =
  (...folders: string[]) =>
  (target: string) =>
    folders.some((folder) => target.startsWith(`${folder}/`));
/** app.ts and what it is made of: the files at the top of src/. */
const isApp = (file: string) => !file.includes('/');
const adapters = ['recipients', 'message', 'relay', 'redis', 'queue', 'report', 'web'];

/** What a folder may import of the project, beside itself; and why no more. */
const MAY_IMPORT: Record<string, { readonly why: string; readonly may: (target: string) => boolean }> = {
  domain: { why: 'pure values and rules: everything stands on it, so it stands on nothing', may: () => false },
  pipeline: { why: 'the actors know ports, never the adapters behind them', may: inside('domain') },
  ...Object.fromEntries(
    adapters.map((folder) => [
      folder,
      {
        why: 'an adapter implements ports; two adapters that knew each other could not be replaced alone',
        may: (target: string) => inside('domain')(target) || isPort(target),
      },
    ]),
  ),
  config: { why: 'settings are values: to read them needs no part that uses them', may: inside('domain') },
  runtime: {
    why: 'lifecycle, signals and logs serve any program',
    may: (target) => inside('domain')(target) || isPort(target),
  },
  rehearsal: {
    why: 'a witness: what the results are held against may share no code with what made them',
    may: (target) => target === 'domain/errors.ts',
  },
  cli: {
    why: 'the top: a command may use whatever lies below it but the queue, which only the app puts to work',
    may: (target) => !inside('queue')(target),
  },
};

/** Single files with leave to import more, and why. */
const EXCEPTIONS: readonly { readonly from: string; readonly to: readonly string[]; readonly why: string }[] = [
  {
    from: 'queue/',
    to: ['pipeline/chunk-worker.ts', 'pipeline/chunk-ports.ts', 'pipeline/coordinator.ts', 'pipeline/notifier.ts'],
    why: 'types only: how a run ends, which the queue turns into what becomes of its job',
  },
];

function isException(source: Source, { target, typeOnly }: Import): boolean {
  return typeOnly && EXCEPTIONS.some(({ from, to }) => source.file.startsWith(from) && to.includes(target));
}

/** `file imports target` for every import that breaks a rule. */
function breaches(breaks: (source: Source, found: Import) => boolean): string[] {
  return SOURCES.flatMap((source) =>
    source.imports.filter((found) => breaks(source, found)).map(({ target }) => `${source.file} imports ${target}`),
  );
}

describe('the parser of imports', () => {
  it('finds every form that an import has', () => {
    const code = [
      "import a from 'bullmq';",
      "import type { B } from './b.js';",
      "import { type C, type D } from '../domain/c.js';",
      "import { type E, f } from '@scope/name/deep';",
      "export { g } from './g.js';",
      "export * from './h.js';",
      "import * as i from 'node:fs';",
      "import './j.js';",
      "const k = await import('ioredis');",
      "import {\n  l,\n  type M,\n} from './l.js';",
    ].join('\n');
    expect(importsOf('redis/x.ts', code).map(({ target, typeOnly }) => `${target}${typeOnly ? ' type' : ''}`)).toEqual([
      'bullmq',
      'redis/b.ts type',
      'domain/c.ts type',
      '@scope/name',
      'redis/g.ts',
      'redis/h.ts',
      'node:fs',
      'redis/l.ts',
      'redis/j.ts',
      'ioredis',
    ]);
  });

  it('finds as many as the files name', () => {
    for (const { file, code, imports } of SOURCES) {
      const named = code.match(/^(import|export|\}).* from '[^']+';$/gm)?.length ?? 0;
      expect(imports.length, file).toBeGreaterThanOrEqual(named);
    }
    expect(SOURCES.length).toBeGreaterThan(50);
  });
});

describe('the folders of src', () => {
  it.each(Object.entries(MAY_IMPORT))('%s imports only what it may', (folder, { why, may }) => {
    const found = breaches((source, seen) => {
      if (source.folder !== folder || !seen.local || isException(source, seen)) return false;
      return !inside(folder)(seen.target) && !may(seen.target);
    });
    expect(found, why).toEqual([]);
  });

  it('are all known to this test', () => {
    const unknown = SOURCES.filter(({ folder, file }) => !(folder in MAY_IMPORT) && !isApp(file));
    expect(unknown.map(({ file }) => file)).toEqual([]);
  });

  it('name only files that exist, so that no rule is passed by a wrong name', () => {
    const files = new Set(SOURCES.map(({ file }) => file));
    expect(breaches((_source, { local, target }) => local && target.endsWith('.ts') && !files.has(target))).toEqual([]);
  });

  it('below cli import nothing of it: a command is an end, not a part', () => {
    expect(breaches(({ folder }, { target }) => folder !== 'cli' && inside('cli')(target))).toEqual([]);
  });

  it('leave app to cli: it puts the parts together, so no part may know it', () => {
    expect(
      breaches(({ folder, file }, { local, target }) => folder !== 'cli' && !isApp(file) && local && isApp(target)),
    ).toEqual([]);
  });
});

describe('the packages', () => {
  it('that the domain uses are node:crypto and the calendar of the language: no I/O, no clock, no environment', () => {
    const pure = ['node:crypto', 'temporal-polyfill'];
    const found = breaches(({ folder }, { local, target }) => folder === 'domain' && !local && !pure.includes(target));
    expect(found).toEqual([]);
    const clocks = SOURCES.filter(
      ({ folder, code }) => folder === 'domain' && /\b(?:Temporal\.Now|Date\.now)\b/.test(code),
    );
    expect(clocks.map(({ file }) => file)).toEqual([]);
  });

  it('that the pipeline uses are those of node: an actor names no library', () => {
    expect(
      breaches(({ folder }, { local, target }) => folder === 'pipeline' && !local && !target.startsWith('node:')),
    ).toEqual([]);
  });

  it('keep bullmq in the queue: it only wakes somebody up, and can be replaced', () => {
    expect(breaches(({ folder }, { target }) => folder !== 'queue' && target === 'bullmq')).toEqual([]);
  });

  it('keep ioredis in redis and queue: elsewhere a connection is only passed on, as a type', () => {
    const found = breaches(({ folder, file }, { target, typeOnly }) => {
      if (target !== 'ioredis' || folder === 'redis' || folder === 'queue') return false;
      return !(typeOnly && isApp(file));
    });
    expect(found).toEqual([]);
  });

  it('keep nodemailer and smtp-server in relay and message: nobody else speaks SMTP or MIME', () => {
    const mail = ['nodemailer', 'smtp-server'];
    expect(
      breaches(({ folder }, { target }) => mail.includes(target) && folder !== 'relay' && folder !== 'message'),
    ).toEqual([]);
  });
});

describe('every file', () => {
  it('but those of config leaves the environment alone: one place knows what a setting is called', () => {
    // A child gets its parent's environment handed on as a whole; no setting is read from it.
    const mayCopy = (file: string) => file === 'runtime/children.ts' || file.startsWith('runtime/children/');
    const readers = SOURCES.filter(({ code }) =>
      /\bprocess\s*\.\s*env\b|\bprocess\s*\[\s*['"]env|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/.test(code),
    );
    const wrong = readers.filter(({ folder, file, code }) => {
      if (folder === 'config') return false;
      return !(mayCopy(file) && !/\bprocess\.env\s*[.[]/.test(code));
    });
    expect(wrong.map(({ file }) => file)).toEqual([]);
  });

  it('is on no cycle of imports, type imports included: a part can be read, tested and moved alone', () => {
    expect(cycles()).toEqual([]);
  });

  it('has a name that says what is in it: no index.ts, which hides who needs what and makes cycles', () => {
    expect(SOURCES.filter(({ file }) => /(^|\/)index\.ts$/.test(file)).map(({ file }) => file)).toEqual([]);
  });

  it('re-exports nothing wholesale: a barrel ties what it collects together', () => {
    expect(SOURCES.filter(({ code }) => /\bexport\s*\*/.test(code)).map(({ file }) => file)).toEqual([]);
  });

  it(`has at most ${MAX_LINES} lines: above that, two things live there`, () => {
    const long = SOURCES.map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 })).filter(
      ({ lines }) => lines > MAX_LINES,
    );
    expect(long).toEqual([]);
  });
});

/** Cycles of imports, each from its first file back to it. */
function cycles(): string[] {
  const byFile = new Map(
    SOURCES.map((source) => [source.file, source.imports.filter((found) => found.local).map((found) => found.target)]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      found.push([...path.slice(at), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const target of byFile.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of byFile.keys()) visit(file, []);
  return found;
}
