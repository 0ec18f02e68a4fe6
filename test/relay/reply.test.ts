import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reply } from '../../src/domain/outcome.js';
import { makeReply, ReplyParser } from '../../src/relay/reply.js';

function parse(...pieces: readonly (string | Buffer)[]): (Reply | 'malformed')[] {
  const parser = new ReplyParser();
  const replies: (Reply | 'malformed')[] = [];
  for (const piece of pieces) {
    const bytes = Buffer.from(piece as string);
    parser.push(bytes);
    for (let reply = parser.next(); reply !== null; reply = parser.next()) {
      replies.push(reply);
      if (reply === 'malformed') return replies;
    }
    // Somebody else's bytes are read into the same room by now.
    bytes.fill('!');
  }
  return replies;
}

describe('a reply', () => {
  it('is read the same wherever its bytes are cut', () => {
    const line = fc.tuple(
      fc.integer({ min: 200, max: 599 }),
      fc.array(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 4 }),
    );
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (replies, cuts) => {
          const clean = replies.map(
            ([code, texts]) => [code, texts.map((text) => text.replace(/[\r\n]/g, ''))] as const,
          );
          const wire = Buffer.from(
            clean
              .map(([code, texts]) =>
                texts.map((t, i) => `${code}${i < texts.length - 1 ? '-' : ' '}${t}\r\n`).join(''),
              )
              .join(''),
          );
          const at = [...new Set([0, ...cuts.map((cut) => cut % wire.length), wire.length])].sort((a, b) => a - b);
          const pieces = at.slice(1).map((end, i) => wire.subarray(at[i], end));
          expect(parse(...pieces)).toEqual(clean.map(([code, texts]) => makeReply(code, texts)));
        },
      ),
    );
  });

  it('is known to be followed by more, or by half a line', () => {
    const parser = new ReplyParser();
    parser.push(Buffer.from('250 ok\r\n25'));
    expect(parser.pending).toBe(true);
    expect(parser.next()).toEqual({ code: 250, text: 'ok' });
    expect(parser.next()).toBeNull();
    expect(parser.pending).toBe(true);
    parser.push(Buffer.from('0\r\n'));
    expect(parser.next()).toEqual({ code: 250, text: '' });
    expect(parser.pending).toBe(false);
  });

  it.each([
    'hello\r\n',
    '25\r\n',
    '2500\r\n',
    '250_ok\r\n',
    '199 a\r\n',
    '600 a\r\n',
    '\r\n',
    ' 250 ok\r\n',
    '25x ok\r\n',
    '250-a\r\n251 b\r\n',
    '250-a\r\nb\r\n',
  ])('is malformed as %j', (wire) => {
    expect(parse(wire).at(-1)).toBe('malformed');
  });

  it('has limits, ended or not', () => {
    const line = 'x'.repeat(4090);
    expect(parse(`250 ${line}\r\n`)).toHaveLength(1);
    expect(parse(`250 ${line}`)).toEqual([]);
    expect(parse(`250 ${line}xxxxxxxx\r\n`)).toEqual(['malformed']);
    expect(parse(`250 ${line}`, 'xxxxxxxxxx')).toEqual(['malformed']);
    expect(parse(`250-${line}\r\n`.repeat(15))).toEqual([]);
    expect(parse(`250-${line}\r\n`.repeat(17))).toEqual(['malformed']);
  });

  it('gives its enhanced code once, where it fits the code', () => {
    expect(makeReply(550, ['5.1.1 no', '5.1.1 such user'])).toEqual({
      code: 550,
      enhanced: [1, 1],
      text: 'no such user',
    });
    expect(makeReply(450, ['5.1.1 no'])).toEqual({ code: 450, text: '5.1.1 no' });
    expect(makeReply(250, ['2.0.0'])).toEqual({ code: 250, enhanced: [0, 0], text: '' });
    expect(makeReply(550, ['5.1.1000 no'])).toEqual({ code: 550, text: '5.1.1000 no' });
  });

  it('keeps a bounded text without control or direction characters', () => {
    expect(makeReply(550, ['a\u001b[31mb\u0000c\u202ed\u2028e\u0085f']).text).toBe('a [31mb c d e f');
    expect(makeReply(550, ['é'.repeat(300)]).text).toBe('é'.repeat(200));
    expect(makeReply(550, [`${'x'.repeat(199)}😀`]).text).toBe('x'.repeat(199));
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 150 })), (lines) => {
        const { text } = makeReply(250, lines);
        expect(text).toMatch(/^[^\p{Cc}\p{Cf}\p{Cs}]{0,200}$/u);
        expect(text.length).toBeLessThanOrEqual(200);
      }),
    );
  });
});
