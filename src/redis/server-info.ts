import { connect } from 'node:net';

/** What a server on a unix socket says about itself. */
export interface ServerInfo {
  readonly pid: number;
  readonly version: string;
  /** True while it reads its data back from disk and refuses commands. */
  readonly loading: boolean;
  readonly usedMemoryBytes: number;
  readonly clients: number;
}

/** Nobody listens there: no such socket file, or one that a dead server left. */
export type NoServer = 'absent' | 'refused';

/** Asks the server on the socket for INFO, which it answers while loading, too. 'silent': it took longer than `ms`. */
export async function askServer(path: string, ms = 2_000): Promise<ServerInfo | NoServer | 'silent'> {
  const reply = await say(path, 'INFO', ms);
  if (reply === 'absent' || reply === 'refused' || reply === 'silent') return reply;
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(reply.text)?.[1] ?? '';
  const pid = Number(field('process_id'));
  if (!Number.isSafeInteger(pid) || pid <= 0) return 'silent';
  return {
    pid,
    version: field('redis_version'),
    loading: field('loading') === '1' || field('async_loading') === '1',
    usedMemoryBytes: Number(field('used_memory')),
    clients: Number(field('connected_clients')),
  };
}

/** Tells the server to end. Its append-only file is flushed all the same; there is no snapshot to write. */
export async function tellShutdown(path: string): Promise<void> {
  await say(path, 'SHUTDOWN NOSAVE', 10_000);
}

/** One inline command on a connection of its own; resolves with the bulk reply, or what came until the end. */
function say(path: string, command: string, ms: number): Promise<{ text: string } | NoServer | 'silent'> {
  return new Promise((resolve) => {
    let got = Buffer.alloc(0);
    const socket = connect(path);
    const finish = (result: { text: string } | NoServer | 'silent') => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => finish('silent'), ms);
    socket.on('connect', () => socket.write(`${command}\r\n`));
    socket.on('data', (data) => {
      got = Buffer.concat([got, data]);
      if (isComplete(got)) finish({ text: got.toString('utf8') });
    });
    socket.on('close', () => finish(got.length > 0 ? { text: got.toString('utf8') } : 'silent'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') finish('absent');
      else finish(error.code === 'ECONNREFUSED' || error.code === 'ENOTSOCK' ? 'refused' : 'silent');
    });
  });
}

/** A bulk reply (`$<bytes>\r\n…\r\n`) is complete by its length, any other by its line. */
function isComplete(got: Buffer): boolean {
  const end = got.indexOf('\r\n');
  if (end < 0) return false;
  if (got[0] !== 0x24) return true;
  return got.length >= end + 2 + Number(got.toString('latin1', 1, end)) + 2;
}
