import type { Command, Redis } from 'ioredis';
import { loadScript } from '../../../src/redis/script.js';

type Arguments = (string | Buffer | number)[];

/** A connection on which one script is replaced by a broken copy of it. */
export function withBroken(redis: Redis, script: string, from: string, to: string): { redis: Redis; changed: boolean } {
  const { source, sha } = loadScript(script);
  const broken = source.replace(from, to);
  const evaluate = (rest: Arguments) => redis.callBuffer('EVAL', broken, ...rest);
  const through = new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'sendCommand')
        return (command: Command) => {
          const [, hash, ...rest] = argumentsOf(Buffer.from(command.toWritable({})));
          return String(hash) === sha ? evaluate(rest) : target.sendCommand(command);
        };
      if (name !== 'callBuffer') return typeof value === 'function' ? value.bind(target) : value;
      return (command: string, first: string, ...rest: Arguments) =>
        first === sha ? evaluate(rest) : target.callBuffer(command, first, ...rest);
    },
  });
  return { redis: through, changed: broken !== source };
}

/** What a command says: an array of bulk strings (RESP2). */
function argumentsOf(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = bytes.indexOf('$'); at < bytes.length; ) {
    const line = bytes.indexOf('\r\n', at);
    const end = line + 2 + Number(bytes.toString('latin1', at + 1, line));
    found.push(bytes.subarray(line + 2, end));
    at = end + 2;
  }
  return found;
}
