import { createServer, type Socket } from 'node:net';
import { Day } from './day.js';
import { RecordWriter } from './record.js';
import type { Scenario } from './scenario.js';
import { Session } from './session.js';

export interface RehearsalRelayOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** The file of its own books; made here. */
  readonly record: string;
}

export interface RehearsalRelay {
  readonly port: number;
  /** Messages that it took so far. */
  taken(): number;
  stop(): Promise<void>;
}

/**
 * A relay on 127.0.0.1, at a free port, that delivers nothing, does what the scenario says, and writes down what it took
 * and what it refused. Rejects where it can't listen or write; then nothing is left running.
 */
export async function startRehearsalRelay({ scenario, seed, record }: RehearsalRelayOptions): Promise<RehearsalRelay> {
  const books = new RecordWriter(record);
  const day = new Day(scenario, seed);
  const sockets = new Set<Socket>();
  let taken = 0;
  const host = {
    day,
    record(line: Parameters<RecordWriter['write']>[0]) {
      books.write(line);
      if (line.messageId !== null) taken += 1;
    },
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    // A client that was killed; there is nobody to tell.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    new Session(socket, host);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  }).catch((error: unknown) => {
    books.close();
    throw error;
  });
  const address = server.address();
  let stopped: Promise<void> | null = null;
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    taken: () => taken,
    stop() {
      stopped ??= new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }).then(() => books.close());
      return stopped;
    },
  };
}
