import type { Redis } from 'ioredis';
import { ioredis } from './ioredis.js';
import type { Script } from './script.js';

type Argument = string | Buffer;

/** A command whose bytes are made already (RESP2: an array of bulk strings). */
class ReadyCommand extends ioredis.Command {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    super('evalsha', [], { replyEncoding: null });
    this.#bytes = bytes;
  }

  /** Asked for whenever the command is sent, which after a lost connection is once more. */
  override toWritable(): Buffer {
    return this.#bytes;
  }
}

/**
 * A script that is run again and again with the same keys, and returns a text. All that is the same is made into bytes once: what
 * ioredis makes of nine arguments, one by one, was a tenth of what the ledger costs a worker.
 */
export class ReadyScript {
  readonly #redis: Redis;
  readonly #script: Script;
  readonly #keys: readonly string[];
  readonly #begin: Buffer;

  constructor(redis: Redis, script: Script, keys: readonly string[]) {
    this.#redis = redis;
    this.#script = script;
    this.#keys = keys;
    this.#begin = Buffer.from(['EVALSHA', script.sha, String(keys.length), ...keys].map(bulkText).join(''));
  }

  /** Runs it by its hash, and by its text where this Redis has not seen it. It may be repeated after a lost reply. */
  run(args: readonly Argument[]): Promise<Buffer> {
    const sent = this.#redis.sendCommand(new ReadyCommand(this.#bytesOf(args))) as Promise<unknown>;
    return sent.then(textOf, (error: unknown) => this.#runText(args, error));
  }

  async #runText(args: readonly Argument[], error: unknown): Promise<Buffer> {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    const keys = this.#keys;
    return textOf(await this.#redis.callBuffer('EVAL', this.#script.source, keys.length, ...keys, ...args));
  }

  #bytesOf(args: readonly Argument[]): Buffer {
    const begin = this.#begin;
    const count = `*${3 + this.#keys.length + args.length}\r\n`;
    const sizes = args.map((arg) => Buffer.byteLength(arg));
    // Each with `$`, its size in up to ten digits, and two line ends.
    const most = sizes.reduce((sum, size) => sum + size + 15, count.length + begin.length);
    const bytes = Buffer.allocUnsafe(most);
    let at = bytes.write(count, 'latin1');
    bytes.set(begin, at);
    at += begin.length;
    for (let n = 0; n < args.length; n++) {
      const arg = args[n] as Argument;
      at += bytes.write(`$${sizes[n]}\r\n`, at, 'latin1');
      if (typeof arg === 'string') at += bytes.write(arg, at);
      else {
        bytes.set(arg, at);
        at += arg.length;
      }
      bytes[at++] = 13;
      bytes[at++] = 10;
    }
    return bytes.subarray(0, at);
  }
}

function bulkText(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

function textOf(reply: unknown): Buffer {
  if (!Buffer.isBuffer(reply)) throw new TypeError('a script returned no text');
  return reply;
}
