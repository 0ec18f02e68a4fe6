import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/pipeline/relay-ports.js';
import { mail, plainUrl, pool, script, send, signal, takeOne } from './setting.js';

/** Written into the message when the test says so, as a signature is. */
function signedLater(): { message: Message; sign: (error?: Error) => void } {
  const message = mail('to@example.com', 'unsigned\r\n');
  const { promise, resolve } = signal<Error | undefined>();
  const signed = promise.then((error) => {
    if (error) throw error;
    message.content.write('  signed', message.content.indexOf('unsigned'));
  });
  signed.catch(() => undefined);
  return { message: { ...message, signed }, sign: resolve };
}

describe('sending a message that is to be signed', () => {
  it('offers its envelope at once, and its content when it is signed', async () => {
    const asked = signal();
    const server = await script({ contents: true, behave: ({ stage }) => void (stage === 'data' && asked.resolve()) });
    const { message, sign } = signedLater();
    const outcome = send(pool(plainUrl(server)), message);
    await asked.promise;
    expect(server.contents).toEqual([]);
    sign();
    expect(await outcome).toMatchObject({ kind: 'sent' });
    expect(server.contents.map((content) => content.includes('  signed'))).toEqual([true]);
  });

  it('sends nothing where it can’t be signed, and says so; the next one goes', async () => {
    const server = await script({ contents: true });
    const relay = pool(plainUrl(server));
    const { message, sign } = signedLater();
    const outcome = send(relay, message);
    sign(new Error('no such key'));
    expect(await outcome).toMatchObject({ kind: 'not-sent', why: expect.stringContaining('no such key') });
    expect(await (await takeOne(relay)).send(mail('next@example.com'))).toMatchObject({ kind: 'sent' });
    expect(server.contents).toHaveLength(1);
  });
});
