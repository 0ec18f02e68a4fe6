import { describe, expect, it } from 'vitest';
import { missingLines } from './shown.js';
import { statementsOf, stepsOf } from './snippets.js';

const PRINTED = `Staged 4 of 6 rows in 1 chunk.
  rejected, no-at: 1
rate       29/s on average
paused     by ada just now: asked for
  took        1.2 s
Results are in /tmp/x/first
`;

describe('output that a page shows', () => {
  it.each([
    ['is the same', PRINTED],
    ['has other times and rates', 'rate 7/s on average\npaused by root 3 s ago: asked for\n took 140 ms'],
    ['leaves lines out, and says so', 'Staged 4 of 6 rows in 1 chunk.\n…\nResults are in …/first'],
    ['has a bar, as a terminal draws it', '[####----]   took  1.2 s'],
  ])('is found where it %s', (_what, shown) => {
    expect(missingLines(shown, PRINTED)).toEqual([]);
  });

  it.each([
    ['another word', '  rejected, no-domain: 1'],
    ['another figure', 'Staged 5 of 6 rows in 1 chunk.'],
    ['a line too much', 'Sent to everybody.'],
    ['only a part of a line', 'Staged 4 of 6 rows'],
  ])('is missed where it has %s', (_what, shown) => {
    expect(missingLines(shown, PRINTED)).toEqual([shown]);
  });

  it('is missed where its lines stand in another order', () => {
    expect(missingLines('Results are in …\n  rejected, no-at: 1', PRINTED)).toEqual(['  rejected, no-at: 1']);
  });
});

describe('a page', () => {
  it('is read as files, commands and their output, in order', () => {
    const page = [
      '# One\n\nThe list `a.csv`:\n\n```csv\nemail\n```\n\n```sh\nfanmail list\n```\n\n```text\nid\n```\n',
      '## Two\n\n```sh\ncat a.csv\n```\n\nIt may say\n\n```text\nemail\n```\n',
    ].join('\n');
    expect(stepsOf(page)).toEqual([
      { kind: 'file', path: 'a.csv', text: 'email\n' },
      { kind: 'run', line: 9, section: 1, statements: [{ text: 'fanmail list', exits: 0 }], shown: 'id\n' },
      { kind: 'run', line: 19, section: 2, statements: [{ text: 'cat a.csv', exits: 0 }], shown: null },
    ]);
  });

  it('has commands of one line or more, each with its exit code', () => {
    const block =
      "# a comment\nfanmail list \\\n  --json\ncat > a <<'E'\none\nE\n\nfanmail check a.csv  # exits 2, as said\n";
    expect(statementsOf(block)).toEqual([
      { text: 'fanmail list \\\n  --json', exits: 0 },
      { text: "cat > a <<'E'\none\nE", exits: 0 },
      { text: 'fanmail check a.csv  # exits 2, as said', exits: 2 },
    ]);
    expect(() => statementsOf("echo 'open")).toThrow('no end');
  });
});
