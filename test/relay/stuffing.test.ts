import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stuffed } from '../../src/relay/stuffing.js';

/** RFC 5321 4.5.2, the receiver's side. */
function unstuffed(wire: Buffer): string {
  const lines = wire.toString('latin1').split('\r\n');
  return lines.map((line) => (line.startsWith('.') ? line.slice(1) : line)).join('\r\n');
}

const dotty = fc.array(fc.constantFrom('.', '..', '\r\n', '\r\n.', '\r', '\n', 'a', '.\r\n', 'é'), { maxLength: 40 });

describe('dot-stuffing', () => {
  it('comes back as it was, and never holds the end of a message', () => {
    fc.assert(
      fc.property(dotty, (parts) => {
        const content = Buffer.from(`${parts.join('')}\r\n`);
        const wire = stuffed(content);
        expect(unstuffed(wire)).toBe(content.toString('latin1'));
        expect(`\r\n${wire.toString('latin1')}`).not.toContain('\r\n.\r\n');
        expect(wire.subarray(-2).toString()).toBe('\r\n');
      }),
      { numRuns: 2000 },
    );
  });

  it('copies nothing where nothing changes', () => {
    const content = Buffer.from('a.b\r\n c.\r\n');
    expect(stuffed(content)).toBe(content);
  });

  it('ends a message that does not end in CRLF', () => {
    for (const content of ['', 'a', 'a\n', 'a\r', '\n'])
      expect(stuffed(Buffer.from(content)).toString()).toBe(`${content}\r\n`);
  });
});
