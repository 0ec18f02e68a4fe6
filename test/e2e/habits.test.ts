import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPlace, type Place, startRelay, until } from '../support/cli.js';

const FROM = ['--template', 'notice', '--from', 'me@example.com'];
const CONNECTIONS = 3;

let place: Place;
beforeAll(() => {
  place = newPlace();
  const rows = Array.from({ length: 200 }, (_, i) => `user${i}@example.com,Name`);
  writeFileSync(join(place.folder, 'people.csv'), ['email,first_name', ...rows, ''].join('\n'));
});
afterAll(() => place.clear());

interface Progress {
  readonly phase: string;
  readonly counters: Readonly<Record<string, number>>;
}

describe('Ctrl-C twice', () => {
  it('quits at once, says what it costs, and calls unknown no more than was on the wire', async () => {
    const relay = await startRelay({ record: join(place.folder, 'record'), delayMs: 60_000 });
    const args = ['launch', 'people.csv', ...FROM, '--smtp', relay.url, '--id', 'slow', '--workers', '1'];
    const running = place.start([...args, '--connections', String(CONNECTIONS), '--grace', '50s']);
    await until(async () => {
      const { code, out } = await place.run(['progress', 'slow', '--json']);
      return code === 0 && (JSON.parse(out) as Progress).counters.inflight === CONNECTIONS ? true : null;
    }, 'messages on the wire');

    running.child.kill('SIGINT');
    await until(async () => (running.said().includes('Draining') ? true : null), 'the first Ctrl-C to be heard');
    // npm hands a signal on that the terminal already sent, so what comes within a moment is the same Ctrl-C.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const again = performance.now();
    running.child.kill('SIGINT');
    const { code, err } = await running.ended;
    expect(code).toBe(130);
    expect(err).toContain('becomes unknown');
    expect(performance.now() - again).toBeLessThan(10_000);
    const { counters, phase } = await place.json<Progress>(['progress', 'slow']);
    expect([phase, counters.inflight, counters.unknown]).toEqual(['sending', 0, CONNECTIONS]);
    await relay.stop();
  });
});

describe('a long id', () => {
  it('may be cut to what only it begins with, and is refused where several begin so', async () => {
    for (const id of ['spring-sale-one', 'spring-sale-two']) {
      const args = ['launch', 'people.csv', ...FROM, '--smtp', 'smtp://localhost:9', '--id', id, '--detach'];
      expect((await place.run(args)).code).toBe(0);
    }
    expect(await place.json<{ id: string }>(['progress', 'spring-sale-o'])).toMatchObject({ id: 'spring-sale-one' });
    const both = await place.run(['cancel', 'spring']);
    expect([both.code, both.err]).toEqual([2, expect.stringContaining('spring-sale-two')]);
    const none = await place.run(['progress', 'autumn']);
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('autumn')]);
  });
});

describe('a pipe', () => {
  it('gets neither bars nor colours', async () => {
    for (const args of [['progress', 'slow'], ['list'], ['progress', 'slow', '--json']]) {
      const { out } = await place.run(args);
      expect(out).not.toMatch(/\[#|\[\d+m/);
    }
  });
});

describe('completion', () => {
  it('is a script for bash that completes commands and options, and one for zsh', async () => {
    const bin = join(place.folder, 'bin');
    mkdirSync(bin);
    const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
    writeFileSync(join(bin, 'fanmail'), `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`);
    chmodSync(join(bin, 'fanmail'), 0o755);
    const complete = (...words: string[]) => {
      const line = `source <(fanmail completion); COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}`;
      const script = `${line}; _fanmail_yargs_completions; echo "\${COMPREPLY[@]}"`;
      const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, SHELL: '/bin/bash' };
      return spawnSync('bash', ['-c', script], { env, encoding: 'utf8' }).stdout.trim().split(' ');
    };
    expect(complete('fanmail', 'lau')).toEqual(['launch']);
    expect(complete('fanmail', 'launch', '--sm')).toEqual(['--smtp']);
    const zsh = await place.run(['completion'], { SHELL: '/bin/zsh' });
    expect([zsh.code, zsh.out]).toEqual([0, expect.stringMatching(/^#compdef fanmail/)]);
  });
});
