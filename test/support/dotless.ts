import { expect } from 'vitest';
import type { Message } from '../../src/pipeline/relay-ports.js';
import { stuffed } from '../../src/relay/stuffing.js';

/** What says that it has no line with a dot at its head is written to the relay as it is: then it must not have one. */
export function expectDotless(message: Message): Message {
  expect(message.dotless).toBe(true);
  expect(stuffed(message.content)).toBe(message.content);
  return message;
}
