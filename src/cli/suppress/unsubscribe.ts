import type { Readable } from 'node:stream';
import type { Settings } from '../../config/settings.js';
import { EXIT, FanmailError } from '../../domain/errors.js';
import { TEST_TOKEN, TOKEN_LENGTHS } from '../../domain/unsubscribe.js';
import { createUnsubscribes } from '../../pipeline/unsubscribes.js';
import type { SuppressionStore } from '../../redis/suppression/store.js';
import type { Session } from '../session.js';
import { scope } from '../view/suppress.js';

/** Of a mail, of which only the header is read. */
const MOST_BYTES = 1_048_576;
const TOKENS = new RegExp(`[A-Za-z0-9_-]{${TOKEN_LENGTHS.least},${TOKEN_LENGTHS.most}}`, 'g');

/**
 * `fanmail suppress unsubscribe`: what a link does, by its token, or by a mail on standard input that has one in its subject:
 * an answer to the `mailto:` of List-Unsubscribe, piped here by a mail server.
 */
export async function unsubscribe(
  list: SuppressionStore,
  { who, json }: Settings<'suppress'>,
  { terminal }: Session,
): Promise<number> {
  const [word = ''] = who ?? [];
  const tokens = word === '-' ? tokensIn(await readHeader(process.stdin)) : [word];
  const unsubscribes = createUnsubscribes(list);
  for (const token of tokens) {
    const found = await unsubscribes.open(token);
    if (!found) continue;
    const { topic } = found;
    await unsubscribes.add(found, topic);
    if (json) terminal.out(JSON.stringify({ action: 'unsubscribe', topic }));
    else terminal.out(`Unsubscribed from ${scope(topic)}.`);
    return EXIT.ok;
  }
  throw refusal(word);
}

/** Nothing of what was given is quoted: it may be a token of another list. */
function refusal(word: string): FanmailError {
  if (word === TEST_TOKEN)
    return new FanmailError('OPTION_INVALID', 'this is the token of a test: nobody was unsubscribed');
  const where =
    word === '-'
      ? 'the mail has no token of this suppression list in its subject'
      : 'this is no token of this suppression list';
  return new FanmailError('OPTION_INVALID', `${where}: nobody was unsubscribed`, {
    hint: 'A token is the last part of a link to unsubscribe, and belongs to the Redis whose campaign sent it.',
  });
}

function tokensIn(header: string): string[] {
  const [, subject = ''] = /^subject:(.*(?:\n[ \t].*)*)/im.exec(header.replaceAll('\r\n', '\n')) ?? [];
  return [...subject.matchAll(TOKENS)].map(([token]) => token);
}

/** Up to the blank line. All of the mail is read, since whoever pipes it would call it a fault if not. */
async function readHeader(mail: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of mail as AsyncIterable<Buffer>) {
    if (bytes < MOST_BYTES) chunks.push(chunk);
    bytes += chunk.length;
  }
  return (
    Buffer.concat(chunks)
      .toString('latin1')
      .split(/\r?\n\r?\n/, 1)[0] ?? ''
  );
}
