import { longNewsletter, newsletter, type TemplateParts } from '../templates.js';
import type { Point } from './sending.js';

/** How one thing grows while all others stay. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly label: string; readonly point: Point }[];
}

const BASE: Point = {
  messages: 100_000,
  parts: newsletter(),
  processes: 1,
  connections: 20,
  chunkSize: null,
  campaigns: 1,
  relayMs: 0,
  redisMs: 0,
};

/** `times` the long one's rows of HTML. */
function longer(times: number): TemplateParts {
  const { html, ...rest } = longNewsletter();
  return { ...rest, html: (html ?? '').repeat(times) };
}

function series(name: string, points: readonly (readonly [label: string, change: Partial<Point>])[]): Series {
  return { name, points: points.map(([label, change]) => ({ label, point: { ...BASE, ...change } })) };
}

export const SERIES: readonly Series[] = [
  series('recipients', [
    ['1,000', { messages: 1_000 }],
    ['10,000', { messages: 10_000 }],
    ['100,000', {}],
    ['1,000,000', { messages: 1_000_000 }],
  ]),
  series('size of a message', [
    ['0.6 kB', { parts: { subject: 'Hello {{first_name}}', html: null, text: 'Hello {{city}}, {{plan}}\n' } }],
    ['3.4 kB', {}],
    ['106 kB', { messages: 10_000, parts: longer(1) }],
    ['1.06 MB', { messages: 1_000, parts: longer(10) }],
  ]),
  series('recipients in a chunk', [
    ['20', { messages: 40_000, chunkSize: 20 }],
    ['100', { chunkSize: 100 }],
    ['500', {}],
    ['10,000', { chunkSize: 10_000 }],
  ]),
  series('connections', [
    ['1', { connections: 1, messages: 10_000 }],
    ['5', { connections: 5, messages: 40_000 }],
    ['20', {}],
    ['50', { connections: 50 }],
    ['100', { connections: 100 }],
    ['500', { connections: 500 }],
  ]),
  series('processes, 20 connections each', [
    ['1', {}],
    ['2', { processes: 2 }],
    ['4', { processes: 4 }],
  ]),
  series('round trip to the relay', [
    ['0 ms', {}],
    ['2 ms', { relayMs: 2, messages: 40_000 }],
    ['20 ms', { relayMs: 20, messages: 8_000 }],
    ['20 ms, 200 connections', { relayMs: 20, connections: 200, messages: 60_000 }],
    ['100 ms, 1,000 connections', { relayMs: 100, connections: 1_000, messages: 60_000 }],
  ]),
  series('round trip to Redis', [
    ['0 ms', {}],
    ['2 ms', { redisMs: 2, messages: 40_000 }],
    ['20 ms', { redisMs: 20, messages: 8_000 }],
    ['20 ms, 200 connections', { redisMs: 20, connections: 200, messages: 60_000 }],
    ['the same, chunks of 5,000', { redisMs: 20, connections: 200, messages: 60_000, chunkSize: 5_000 }],
  ]),
  series('campaigns side by side', [
    ['1', {}],
    ['2', { campaigns: 2 }],
    ['10', { campaigns: 10 }],
    ['20', { campaigns: 20 }],
  ]),
];

/** Rows of lists that are staged. */
export const STAGED = [10_000, 100_000, 1_000_000, 10_000_000] as const;
