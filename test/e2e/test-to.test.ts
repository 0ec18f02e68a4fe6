import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { newPlace, type Place } from '../support/cli.js';
import { type ScriptRelay, startScriptRelay } from '../support/script-relay.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let place: Place;
let relay: ScriptRelay;

beforeAll(() => {
  place = newPlace({ REDIS_URL: 'redis://127.0.0.1:1' });
  const rows = ['email,first_name', 'ada@example.com,Ada', 'no address,X', 'bo@example.com,Bo', 'cy@example.com,Cy'];
  writeFileSync(join(place.folder, 'list.csv'), rows.join('\n'));
});
afterAll(() => place.clear());
beforeEach(async () => {
  relay = await startScriptRelay({
    record: join(place.folder, 'record'),
    contents: true,
    behave: ({ stage, messages }) =>
      stage === 'message' && messages === 2 ? { reply: '554 5.7.1 this looks like spam' } : undefined,
  });
});
afterEach(() => relay.stop());

const args = (...more: string[]) => {
  const sender = ['--template', 'notice', '--from', 'Me <me@example.com>', '--reply-to', 'answers@example.com'];
  return ['launch', 'list.csv', ...sender, '--smtp', `smtp://127.0.0.1:${relay.port}`, ...more];
};

describe('launch --test-to', () => {
  it('sends the first rows as they are composed to me alone, marked in the subject, without a Redis, and exits 0', async () => {
    const { code, out } = await place.run(args('--test-to', 'Tester@Example.com', '--rows', '2'));
    expect(code).toBe(0);
    expect(out.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^\[test 1\/2\] line 2, ada@example\.com: sent, 250 /),
      expect.stringMatching(/^\[test 2\/2\] line 4, bo@example\.com: sent, 250 /),
    ]);
    const messages = await Promise.all(relay.contents.map((content) => simpleParser(content)));
    expect(messages.map(({ subject }) => subject?.slice(0, 11))).toEqual(['[test 1/2] ', '[test 2/2] ']);
    expect(messages.map(({ text }) => /Ada|Bo|Cy/.exec(text ?? '')?.[0])).toEqual(['Ada', 'Bo']);
    for (const { to, replyTo } of messages) {
      expect([to, replyTo]).toMatchObject([{ text: 'Tester@example.com' }, { text: 'answers@example.com' }]);
    }
    expect(new Set(messages.map(({ messageId }) => messageId)).size).toBe(2);
    const envelopes = readFileSync(join(place.folder, 'record'), 'utf8').trimEnd().split('\n');
    expect(envelopes.map((line) => JSON.parse(line).to)).toEqual(['Tester@example.com', 'Tester@example.com']);
    expect(existsSync(join(place.folder, 'fanmail-results'))).toBe(false);
    expect(existsSync(join(place.folder, 'home'))).toBe(false);
  });

  it('prints the relay’s words of a refusal and exits 3; the rows after it are sent all the same', async () => {
    const { code, out } = await place.run(args('--test-to', 'me@example.com', '--json'));
    expect(code).toBe(3);
    const { testTo, messages } = JSON.parse(out) as { testTo: string; messages: Record<string, unknown>[] };
    expect(testTo).toBe('me@example.com');
    expect(messages.map(({ line, outcome, code: reply }) => [line, outcome, reply])).toEqual([
      [2, 'sent', expect.stringMatching(/^250/)],
      [4, 'sent', expect.stringMatching(/^250/)],
      [5, 'refused', '554 5.7.1'],
    ]);
    expect(messages[2]?.reply).toContain('this looks like spam');
  });

  it('says why there is no connection, once, and exits 3', async () => {
    const nobodyThere = args('--test-to', 'me@example.com').map((word) => word.replace(/:\d+$/, ':1'));
    const { code, out } = await place.run(nobodyThere);
    expect([code, out.split('\n').length]).toEqual([3, 2]);
    expect(out).toContain('ECONNREFUSED');
  });

  it('refuses what is no address, and a list without anybody', async () => {
    const wrong = await place.run(args('--test-to', 'me'));
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('There is no @ in it')]);
    writeFileSync(join(place.folder, 'nobody.csv'), 'email,first_name\nnobody,N\n');
    const nobody = await place.run(args('--test-to', 'me@example.com').map((word) => word.replace('list', 'nobody')));
    expect([nobody.code, nobody.err]).toEqual([2, expect.stringContaining('(LIST_NOTHING_SENDABLE)')]);
    expect(relay.connections).toBe(0);
  });
});
