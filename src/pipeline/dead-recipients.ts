import { readRecord } from '../domain/record.js';
import { classify, type ReplyRule } from '../domain/reply-class.js';
import { stateOfByte } from '../domain/state.js';
import type { ChunkResult, Log } from './ports.js';
import type { Suppression } from './suppression-ports.js';

/**
 * Passes the results of a campaign on, and suppresses once more whom a relay called dead: a worker that died after it had
 * settled an outcome may not have come to that. Where the list can't be changed the campaign ends all the same.
 */
export async function* suppressingDead(
  chunks: AsyncIterable<ChunkResult>,
  words: ReadonlyMap<number, string>,
  rules: readonly ReplyRule[] | undefined,
  list: Suppression,
  log: Log,
): AsyncGenerator<ChunkResult, void, undefined> {
  for await (const chunk of chunks) {
    const dead = deadIn(chunk, words, rules);
    if (dead.length > 0) {
      await list.add(dead, null, 'bounce').catch((error: unknown) => {
        log.error({ err: error, chunk: chunk.chunk, count: dead.length }, 'dead addresses could not be suppressed');
      });
    }
    yield chunk;
  }
}

function deadIn(
  { states, records, addresses }: ChunkResult,
  words: ReadonlyMap<number, string>,
  rules: readonly ReplyRule[] | undefined,
): string[] {
  const dead: string[] = [];
  for (let index = 0; index < states.length; index++) {
    const address = addresses?.[index];
    if (address === undefined || stateOfByte(states[index] ?? 0) !== 'failed') continue;
    const { reason, code, enhanced, words: number } = readRecord(records, index);
    if (reason !== 'reply' || code < 400) continue;
    const text = words.get(number) ?? '';
    if (classify({ code, text, ...(enhanced && { enhanced }) }, rules) === 'dead') dead.push(address);
  }
  return dead;
}
