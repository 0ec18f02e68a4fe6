import type { Command } from '../config/option.js';
import type { OptionName } from '../config/options.js';

/** Options that every command takes, and that few need. */
export const GENERAL = ['redis', 'config', 'home', 'logLevel', 'logFile'] as const satisfies readonly OptionName[];

/** What a command with many options shows of them at first. */
export const COMMON: Partial<Record<Command, readonly OptionName[]>> = {
  launch: [
    'template',
    'from',
    'smtp',
    'subject',
    'id',
    'dryRun',
    'testTo',
    'exclude',
    'notify',
    'detach',
    'yes',
    'json',
  ],
  preview: ['template', 'from', 'subject', 'row', 'email', 'open', 'out'],
  rehearse: ['template', 'from', 'scenario', 'seed', 'waits', 'limit', 'onUnknown', 'results', 'json'],
  retry: ['where', 'unknown', 'skipped', 'smtp', 'detach', 'yes', 'json'],
  check: ['template', 'from', 'subject', 'strict', 'exclude', 'emailColumn', 'encoding', 'columns', 'json'],
};

/** One line for each command. */
export const SUMMARIES: Readonly<Record<Command, string>> = {
  launch: 'Send a template to everyone on a list',
  worker: 'Run workers until told to stop',
  progress: 'Show where a campaign stands',
  attach: 'Follow a campaign, running its workers, to its end',
  pause: 'Let nothing more begin',
  resume: 'Go on after a pause',
  cancel: 'Skip all that has not begun',
  retry: 'Open a further round for those who failed',
  list: 'Show the newest campaigns',
  verify: 'Recount a campaign and say what that proves',
  report: 'Print the summary of a campaign that has ended',
  export: 'Write what became of whom, as CSV or NDJSON',
  catch: 'Run a mail server that keeps everything to itself',
  redis: 'Start, stop or ask after the embedded Redis',
  check: 'Find every fault of a list and a template',
  preview: 'Show the message to one recipient',
  doctor: 'Look at Node, Redis, the relay, disk and clock',
  rehearse: 'Launch against a relay on a bad day, on this machine',
  suppress: 'Keep the list of addresses never to send to',
  serve: 'Answer links to unsubscribe',
};

export const EXAMPLES: Readonly<Record<Command, readonly (readonly [line: string, what: string])[]>> = {
  launch: [
    ['fanmail launch people.csv --template newsletter --from "News <me@example.com>"', 'through SMTP_URL'],
    ['fanmail launch people.csv --template ./mine --from me@example.com --dry-run', 'check everything, send nothing'],
    ['fanmail launch people.csv --template ./mine --from me@example.com --test-to me@example.com', 'three to yourself'],
    [
      'fanmail launch people.csv --template notice --from me@example.com --smtp smtp://localhost:1025',
      'try it locally',
    ],
  ],
  worker: [
    ['fanmail worker', 'one process a core'],
    ['REDIS_URL=redis://10.0.0.5 fanmail worker --processes 2 --connections 50', 'on another machine'],
  ],
  progress: [
    ['fanmail progress', 'the newest campaign'],
    ['fanmail progress spring-sale --watch', 'until it ends'],
  ],
  attach: [['fanmail attach', 'go on with the newest campaign']],
  pause: [['fanmail pause spring-sale', 'what is on the wire is finished']],
  resume: [['fanmail resume spring-sale', 'waiting chunks go on at once']],
  cancel: [['fanmail cancel spring-sale', 'what has not begun is skipped']],
  retry: [
    ['fanmail retry spring-sale --where "code=4.7.28 and domain=gmail.com"', 'some of the failed ones'],
    ['fanmail retry spring-sale --unknown', 'those of unknown outcome, too, who may get a second copy'],
  ],
  list: [['fanmail list --json', 'for a script']],
  verify: [['fanmail verify spring-sale', 'exits 0 only where all holds']],
  report: [['fanmail report spring-sale --out here', 'summary and results.csv again, on this machine']],
  export: [
    ['fanmail export spring-sale --where "state=failed" --columns email,code,reply', 'CSV, on standard output'],
    ['fanmail export spring-sale --format ndjson --out all.ndjson', 'everybody, one JSON object a line'],
  ],
  catch: [['fanmail catch --port 1025', 'then launch with --smtp smtp://localhost:1025']],
  redis: [['fanmail redis status', 'which one, and whether it runs']],
  check: [['fanmail check people.csv --template ./mine --from me@example.com', 'needs no Redis and no relay']],
  preview: [
    ['fanmail preview people.csv --template ./mine --from me@example.com --row 7', 'in the terminal'],
    ['fanmail preview people.csv --template ./mine --from me@example.com --open', 'in the browser'],
  ],
  doctor: [['fanmail doctor', 'each with a verdict and a way out']],
  rehearse: [
    ['fanmail rehearse people.csv --template ./mine --from me@example.com', 'a bit of everything'],
    [
      'fanmail rehearse people.csv --template ./mine --scenario drops',
      'broken connections; the sender is FANMAIL_FROM',
    ],
  ],
  suppress: [
    ['fanmail suppress add ada@example.com --topic news', 'nothing more about this topic'],
    ['fanmail suppress import never.csv', 'one address a line, or a list with an address column'],
    ['fanmail suppress check ada@example.com', 'exits 0 where she may be sent to, 3 where not'],
    ['fanmail suppress export --out list.txt', 'hashes and their key: keep it like the list itself'],
    ['fanmail suppress unsubscribe -', 'what a mail server pipes here: the token is in the subject'],
  ],
  serve: [
    ['fanmail serve --name "Example News"', 'on 127.0.0.1:8080, for a proxy with TLS in front'],
    ['fanmail serve --listen 10.0.0.5:8080', 'for a proxy on another machine'],
  ],
};
