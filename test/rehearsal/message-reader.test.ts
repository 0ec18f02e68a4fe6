import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageReader } from '../../src/rehearsal/message-reader.js';

/** What a reader finds where the bytes come cut at these places. */
function read(bytes: string, cuts: readonly number[]) {
  const reader = new MessageReader();
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  for (const [i, from] of places.entries()) {
    const rest = reader.push(Buffer.from(bytes.slice(from, places[i + 1] ?? bytes.length), 'latin1'));
    if (rest) return { rest: rest.toString('latin1') + bytes.slice(places[i + 1]), id: reader.messageId() };
  }
  return null;
}

const cuts = fc.array(fc.nat(200), { maxLength: 8 });
/** Dot-stuffed lines: none is a lone dot. */
const lines = fc.array(
  fc.string({ unit: fc.constantFrom('a', '.', '\r', ' ') }).filter((line) => line !== '.' && !line.endsWith('\r')),
  { maxLength: 8 },
);

describe('reading a message', () => {
  it('finds its final dot wherever the pieces are cut, and leaves what follows', () => {
    fc.assert(
      fc.property(lines, cuts, fc.constantFrom('', 'QUIT\r\n', '\r\n.\r\n'), (body, where, after) => {
        const text = `${body.map((line) => `${line}\r\n`).join('')}.\r\n`;
        expect(read(`${text}${after}`, where)?.rest).toBe(after);
      }),
    );
  });

  it('goes on where the final dot has not come yet', () => {
    for (const text of ['', '.', 'a\r\n.', 'a\r\n.\r', 'a\n.\n', 'a\r\n..\r\n', 'a.\r\n'])
      expect(read(text, [])).toBeNull();
  });

  it('takes the Message-ID from the header, and from nowhere else', () => {
    const body = 'Message-ID: <body@x>\r\n.\r\n';
    expect(read(`Subject: x\r\nMessage-Id: <a.b@x>\r\n\r\n${body}`, [3, 14])?.id).toBe('<a.b@x>');
    expect(read(`Subject: x\r\n\r\n${body}`, [])?.id).toBe('');
  });
});
