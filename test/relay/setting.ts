import { onTestFinished } from 'vitest';
import type { Outcome } from '../../src/domain/outcome.js';
import type { Message, Relay, RelayConnection, Taken } from '../../src/pipeline/relay-ports.js';
import { createRelay, type PoolOptions } from '../../src/relay/pool.js';
import type { Timeouts } from '../../src/relay/timeouts.js';
import { parseRelayUrl } from '../../src/relay/url.js';
import { type ScriptRelay, type ScriptRelayOptions, startScriptRelay } from '../support/script-relay.js';

export const SHORT: Partial<Timeouts> = {
  connect: 2000,
  greeting: 2000,
  mail: 250,
  rcpt: 250,
  data: 250,
  block: 250,
  message: 250,
  afterRefusal: 150,
  quit: 200,
};

export const NEVER = new AbortController().signal;

/** A script relay that stops with the test. */
export async function script(options: ScriptRelayOptions = {}): Promise<ScriptRelay> {
  const relay = await startScriptRelay(options);
  onTestFinished(() => relay.stop());
  return relay;
}

/** A pool that ends with the test. */
export function pool(url: string, options: Partial<PoolOptions> = {}): Relay {
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const relay = createRelay(parseRelayUrl(url), { connections: 1, timeouts: SHORT, log, ...options });
  onTestFinished(async () => {
    relay.abandon();
    await relay.close();
  });
  return relay;
}

export function plainUrl(relay: ScriptRelay, options = ''): string {
  return `smtp://127.0.0.1:${relay.port}?tls=none${options}`;
}

export function mail(to = 'to@example.com', body = 'hello\r\n'): Message {
  const messageId = `<${to}>`;
  const content = Buffer.from(`From: from@example.com\r\nMessage-ID: ${messageId}\r\n\r\n${body}`);
  return { from: 'from@example.com', to, content, messageId };
}

/** One whose bytes are used for something else as soon as that is allowed. */
export function reusedMail(to: string, body: string): { message: Message; text: string; times: () => number } {
  const message = mail(to, body);
  const text = message.content.toString();
  let times = 0;
  const handedOver = () => {
    times++;
    message.content.fill('!');
  };
  return { message: { ...message, handedOver }, text, times: () => times };
}

/** Takes connections, or fails with what came instead. */
export async function take(relay: Relay, max = 1): Promise<readonly RelayConnection[]> {
  const taken = await relay.take(max, NEVER);
  if (taken.kind !== 'connections') throw new Error(`no connections: ${JSON.stringify(taken)}`);
  return taken.connections;
}

export async function takeOne(relay: Relay): Promise<RelayConnection> {
  const [connection] = await take(relay, 1);
  if (!connection) throw new Error('an empty hand');
  return connection;
}

export async function send(relay: Relay, message = mail()): Promise<Outcome> {
  return (await takeOne(relay)).send(message);
}

export function faultIn(taken: Taken) {
  if (taken.kind !== 'fault') throw new Error(`no fault: ${taken.kind}`);
  return taken.fault;
}

/** A promise and its resolver: for signals. */
export function signal<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((r) => {
    resolve = r;
  });
  return { promise, resolve };
}
