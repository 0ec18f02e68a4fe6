import { gzipSync } from 'node:zlib';
import { windows1252 } from '../recipients/support.js';
import { page } from './markdown.js';
import type { Reader } from './reader.js';
import { stepsOf } from './snippets.js';

/** At nine, which is still to come in any zone. */
function tomorrow(): string {
  return `${new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10)} 09:00`;
}

/** What is replaced in the commands and files of a page before they are used here, and why. */
export function substitutions(
  ports: Reader['ports'],
): readonly (readonly [shown: RegExp, used: string, why: string])[] {
  return [
    [/localhost:1025/g, `localhost:${ports.smtp}`, 'the port may be taken here; `fanmail catch` gets it by variable'],
    [/localhost:8025/g, `localhost:${ports.http}`, 'the same'],
    [/localhost:8080/g, `localhost:${ports.serve}`, 'the same, of `fanmail serve`'],
    [
      /smtps?:\/\/(?:([^\s@]+)@)?[\w.]+\.example\.com(?::\d+)?/g,
      `smtp://user:password@localhost:${ports.smtp}?tls=none`,
      'no such relay: the catcher, which takes any login, and has no STARTTLS',
    ],
    [/2026-12-01 09:00/g, tomorrow(), 'that day may be over'],
    [/\b192\.0\.2\.53\b/g, ports.dns, 'no such DNS server: one with the records that the page tells of'],
    [/rediss?:\/\/\S*?(?:\.example\.com|127\.0\.0\.1):\d+/g, ports.redis, 'no such Redis: one for the page alone'],
  ];
}

/** What a page shows and can't be done here, and why. */
export const NOT_RUN: readonly (readonly [command: RegExp, why: string])[] = [
  [/^npm (?:run|test)\b/, 'the whole set-up and all tests again'],
  [/^alias fanmail=/, 'here, fanmail is on the PATH'],
  [/\bnpx vitest\b/, 'tests of their own'],
  [/^docker\b/, 'needs Docker'],
  [/^sudo\b/, 'changes the machine'],
];

/** What a page takes as given. */
export interface Given {
  readonly files?: () => Readonly<Record<string, string | Buffer>>;
  readonly variables?: Readonly<Record<string, string>>;
}

/** The list and the template of the README, to which the how-to pages refer. */
function ofReadme(): Record<string, string> {
  const steps = stepsOf(page('README.md'));
  const list = steps.find((step) => step.kind === 'file' && step.path === 'people.csv');
  return {
    'people.csv': list?.kind === 'file' ? list.text : '',
    'spring/subject.hbs': 'Spring is here, {{First_Name}}\n',
    'spring/html.hbs': '<h1>Hello {{First_Name}}</h1><p>See you in {{City}}.</p>\n',
    'spring/text.hbs': 'Hello {{First_Name}},\n\nsee you in {{City}}.\n',
  };
}

export const HOW_TO: Given = { files: ofReadme };

export const GIVEN: Readonly<Record<string, Given>> = {
  'README.md': {},
  'docs/tutorial.md': {},
  'docs/how-to/lists.md': {
    files: () => ({
      'hello/subject.hbs': 'Hello {{name}}\n',
      'hello/text.hbs': 'Hello {{name}}\n',
      'bare.csv': 'ann@example.com|Ann|Graz\nbob@example.com|Bob|Linz\n',
      'western.csv': windows1252('email;name\r\nann@example.com;Jörg\r\n'),
      'people.csv.gz': gzipSync('email,name\nann@example.com,Ann\n'),
    }),
    variables: { FANMAIL_FROM: 'news@example.com', SMTP_URL: 'smtp://localhost:9' },
  },
};

/** What has to happen before a block makes sense, in a home of its own: what a page tells of and doesn't show. */
export const SCENES: readonly (readonly [page: string, block: RegExp, commands: readonly string[], why: string])[] = [
  [
    'README.md',
    /^fanmail resume spring-2026$/m,
    [
      'export FANMAIL_HOME="$PWD/.paused"',
      'fanmail launch people.csv --template ./spring --id spring-2026 --detach',
      'fanmail pause spring-2026',
    ],
    'a campaign that a relay has paused',
  ],
];
