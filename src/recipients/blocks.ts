import type { Hash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FanmailError } from '../domain/errors.js';

/** Bytes of a block; the last one may be shorter. */
export const BLOCK = 65_536;

/**
 * The bytes of a list in blocks of one size, however they come: tiny pieces would be looked at again and again while a
 * record is incomplete. Gzip (RFC 1952), by its first two bytes, is unpacked on the way, no more than what is taken;
 * `digest` gets the bytes as they came. Throws FanmailError LIST_UNREADABLE where the input fails or the gzip is broken;
 * leaving early closes the input.
 */
export async function* readBlocks(
  input: Readable | AsyncIterable<Buffer>,
  source: string,
  digest?: Hash,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    const raw = rawBytes(input, digest);
    let head = Buffer.alloc(0);
    while (head.length < 2) {
      const next = await raw.next();
      if (next.done) break;
      head = Buffer.concat([head, next.value]);
    }
    const bytes = after(head, raw);
    yield* ofOneSize(head[0] === 0x1f && head[1] === 0x8b ? unzipped(bytes, source) : bytes);
  } catch (error) {
    if (error instanceof FanmailError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new FanmailError('LIST_UNREADABLE', `The list ${source} can't be read: ${why}`, { cause: error });
  } finally {
    // Also where the unpacking still waits for more of it.
    if (input instanceof Readable) input.destroy();
  }
}

async function* rawBytes(input: AsyncIterable<Buffer>, digest: Hash | undefined): AsyncGenerator<Buffer> {
  for await (const chunk of input) {
    digest?.update(chunk);
    yield chunk;
  }
}

async function* after(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* rest;
}

async function* unzipped(bytes: AsyncIterable<Buffer>, source: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: BLOCK });
  const closed = new Promise((resolve) => gunzip.once('close', resolve));
  const feed = async (): Promise<void> => {
    for await (const chunk of bytes) {
      if (gunzip.destroyed) return;
      if (!gunzip.write(chunk)) await Promise.race([once(gunzip, 'drain'), closed]);
    }
    gunzip.end();
  };
  // What fails here ends the unpacking, which throws it below; after that, nobody needs to hear of it.
  feed().catch((error: unknown) => gunzip.destroy(error instanceof Error ? error : new Error(String(error))));
  try {
    yield* gunzip;
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    if (typeof code !== 'string' || !code.startsWith('Z_')) throw error;
    const message = `The list ${source} begins as gzip, but can't be unpacked to its end.`;
    throw new FanmailError('LIST_UNREADABLE', message, { hint: 'Pack or copy it again: it is damaged.', cause: error });
  } finally {
    gunzip.destroy();
  }
}

async function* ofOneSize(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + BLOCK - size);
      parts.push(part);
      at += part.length;
      size += part.length;
      if (size < BLOCK) continue;
      yield parts.length === 1 ? part : Buffer.concat(parts);
      parts = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(parts);
}
