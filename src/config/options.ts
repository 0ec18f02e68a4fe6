import { availableParallelism } from 'node:os';
import { CATCH_OPTIONS } from './catch-options.js';
import { DKIM_OPTIONS } from './dkim-options.js';
import { LIST_OPTIONS } from './list-options.js';
import { LOOK_OPTIONS } from './look-options.js';
import { COMMANDS, type Command, type Option, option, toggle } from './option.js';
import { PACE_OPTIONS } from './pace-options.js';
import { campaignId, count, countOrAuto, duration, line, oneOf, paths, schedule, secret } from './parse.js';
import { REHEARSAL_OPTIONS } from './rehearsal-options.js';
import { RESULTS_OPTIONS } from './results-options.js';
import { SUPPRESSION_OPTIONS } from './suppression-options.js';
import { UNSUBSCRIBE_OPTIONS } from './unsubscribe-options.js';
import { WHEN_OPTIONS } from './when-options.js';

const cores = () => availableParallelism();
/** A rehearsal has a home and a Redis of its own, and never anybody else's. */
const KEEPING = COMMANDS.filter((command): command is Exclude<Command, 'rehearse'> => command !== 'rehearse');

/** Every option of every command, by its name in the settings; `flagOf` gives the name on the command line. */
export const OPTIONS = {
  list: option({
    describe: 'The recipients: a CSV or NDJSON file, or - for standard input',
    commands: ['launch', 'check', 'preview', 'rehearse'],
    schema: line(),
    requiredBy: ['launch', 'check', 'preview', 'rehearse'],
    positional: true,
  }),
  template: option({
    describe: 'A template folder, or the name of one that comes with fanmail',
    commands: ['launch', 'check', 'preview', 'rehearse'],
    env: 'FANMAIL_TEMPLATE',
    schema: line(),
    requiredBy: ['launch', 'check', 'preview', 'rehearse'],
  }),
  from: option({
    describe: 'The sender: "News <news@example.com>"; or the template names one',
    commands: ['launch', 'check', 'preview', 'rehearse'],
    env: 'FANMAIL_FROM',
    schema: line(),
  }),
  subject: option({
    describe: "The subject, instead of the template's",
    commands: ['launch', 'check', 'preview', 'rehearse'],
    schema: line(),
  }),
  attach: option({
    describe:
      "Files for every message, or for each recipient one (invoices/{{id}}.pdf), with commas between, beside the template's own",
    commands: ['launch', 'check', 'preview', 'rehearse'],
    schema: paths(),
  }),
  smtp: option({
    describe:
      'The relay: smtp://user:password@host:587 or smtps://…; better in SMTP_URL or .env than here; several with blanks between',
    commands: ['launch', 'attach', 'worker', 'check', 'doctor', 'retry'],
    env: 'SMTP_URL',
    schema: secret(
      'smtp://[user:password@]host[:port] or smtps://…, or several with blanks between',
      /^smtps?:\/\/\S+(?:\s+smtps?:\/\/\S+)*$/i,
    ),
    secret: true,
  }),
  ...DKIM_OPTIONS,
  id: option({
    describe: "The campaign's id, which makes a launch safe to repeat",
    commands: ['launch'],
    schema: campaignId(),
  }),
  campaign: option({
    describe: "The campaign's id; the newest one where it may be left out",
    commands: ['progress', 'attach', 'pause', 'resume', 'cancel', 'retry', 'report', 'export', 'verify'],
    schema: campaignId(),
    requiredBy: ['pause', 'resume', 'cancel', 'retry'],
    positional: true,
  }),
  name: option({
    describe: 'A name for people',
    commands: ['launch', 'serve'],
    otherwise: { serve: 'Whose mail it is, for the page' },
    schema: line(),
  }),
  replyTo: option({
    describe: 'Where answers go',
    commands: ['launch', 'check', 'preview', 'rehearse'],
    env: 'FANMAIL_REPLY_TO',
    schema: line(),
  }),
  limit: option({
    describe: 'Take no more than this many recipients of the list',
    commands: ['launch', 'check', 'rehearse'],
    schema: count(1, 1_000_000_000),
  }),
  dryRun: toggle(['launch'], 'Check everything, show one message, send nothing'),
  testTo: option({
    describe: 'Send the first rows to this address of yours instead, through the relay, and nothing to the list',
    commands: ['launch'],
    schema: line(),
  }),
  rows: option({
    describe: 'How many rows --test-to sends',
    commands: ['launch'],
    schema: count(1, 100),
    default: '3',
  }),
  ...LOOK_OPTIONS,
  notify: option({
    describe: 'Mail the summary to this address',
    commands: ['launch'],
    env: 'FANMAIL_NOTIFY',
    schema: line(),
  }),
  detach: toggle(['launch', 'retry'], 'Return as soon as the campaign is sealed'),
  workers: option({
    describe: 'Worker processes while attached, with the embedded Redis',
    commands: ['launch', 'attach', 'rehearse', 'retry'],
    env: 'FANMAIL_WORKERS',
    schema: countOrAuto(1, 256, () => Math.min(4, cores())),
    default: 'auto',
  }),
  connections: option({
    describe: 'Connections to the relay per worker process',
    commands: ['launch', 'attach', 'worker', 'rehearse', 'retry'],
    env: 'FANMAIL_CONNECTIONS',
    schema: count(1, 1_000),
    default: '20',
  }),
  chunkSize: option({
    describe: "Recipients per chunk; chosen by the list's size where not given",
    commands: ['launch', 'rehearse'],
    env: 'FANMAIL_CHUNK_SIZE',
    schema: count(1, 10_000),
  }),
  attempts: option({
    describe: 'Tries at one recipient',
    commands: ['launch', 'rehearse'],
    env: 'FANMAIL_ATTEMPTS',
    schema: count(1, 100),
    default: '6',
  }),
  retrySchedule: option({
    describe: 'Waits between tries; the last one repeats',
    commands: ['launch'],
    env: 'FANMAIL_RETRY_SCHEDULE',
    schema: schedule(),
    default: '15s,1m,5m,15m,1h',
  }),
  giveUp: option({
    describe: 'What is still open this long after the launch is failed as expired',
    commands: ['launch'],
    env: 'FANMAIL_GIVE_UP',
    // The ledger counts milliseconds after the seal in 32 bits: 49 days.
    schema: duration('1s', '45d'),
    default: '5d',
  }),
  onUnknown: option({
    describe: 'A recipient of whom nobody knows whether the message arrived: hold it, or resend and risk a second copy',
    commands: ['launch', 'rehearse'],
    env: 'FANMAIL_ON_UNKNOWN',
    schema: oneOf(['hold', 'resend']),
    default: 'hold',
  }),
  ...PACE_OPTIONS,
  ...WHEN_OPTIONS,
  ...LIST_OPTIONS,
  yes: toggle(['launch', 'retry'], "Don't ask before sending", 'FANMAIL_YES'),
  results: option({
    describe: 'The folder for summaries and results',
    commands: ['launch', 'attach', 'worker', 'rehearse', 'retry'],
    env: 'FANMAIL_RESULTS',
    schema: line(),
    default: 'fanmail-results',
  }),
  keep: option({
    describe: 'How long the ledger is kept after the end',
    commands: ['launch'],
    env: 'FANMAIL_KEEP',
    schema: duration('1m'),
    default: '30d',
  }),
  processes: option({
    describe: 'Worker processes; auto: one a core',
    commands: ['worker'],
    env: 'FANMAIL_PROCESSES',
    schema: countOrAuto(1, 256, cores),
    default: 'auto',
  }),
  chunks: option({
    describe: 'Chunks that a worker process sends at the same time',
    commands: ['launch', 'attach', 'worker', 'rehearse', 'retry'],
    env: 'FANMAIL_CHUNKS',
    schema: count(1, 100),
    default: '2',
  }),
  grace: option({
    describe: 'How long a stop waits for answers of the relay',
    commands: ['launch', 'attach', 'worker', 'retry'],
    env: 'FANMAIL_GRACE',
    schema: duration(),
    default: '10s',
  }),
  watch: toggle(['progress'], 'Go on showing until the campaign ends'),
  json: toggle(
    [
      'launch',
      'progress',
      'attach',
      'pause',
      'resume',
      'cancel',
      'retry',
      'list',
      'redis',
      'check',
      'doctor',
      'verify',
      'rehearse',
      'suppress',
    ],
    'One JSON object on standard output and nothing else',
  ),
  out: option({
    describe: 'Write summary and results into this folder, too; of a preview, the message into this .eml or .html file',
    commands: ['report', 'preview', 'export', 'suppress'],
    otherwise: {
      export: 'The file to write, instead of standard output',
      suppress: 'The file to write an export to, instead of standard output',
    },
    schema: line(),
  }),
  format: option({
    describe: 'How to print the summary: text where not given',
    commands: ['report', 'export'],
    otherwise: { export: 'What to write: csv where not given, or ndjson' },
    schema: oneOf(['text', 'json', 'html', 'csv', 'ndjson']),
  }),
  ...CATCH_OPTIONS,
  action: option({
    describe: 'What to do with the embedded Redis',
    commands: ['redis'],
    schema: oneOf(['start', 'stop', 'status']),
    requiredBy: ['redis'],
    positional: true,
  }),
  ...RESULTS_OPTIONS,
  ...REHEARSAL_OPTIONS,
  ...SUPPRESSION_OPTIONS,
  ...UNSUBSCRIBE_OPTIONS,
  redis: option({
    describe: 'The Redis to use instead of the embedded one; better in REDIS_URL or .env than here',
    commands: KEEPING,
    env: 'REDIS_URL',
    schema: secret(
      'redis://[user:password@]host[:port][/db], rediss://…, unix://…, or an absolute path of a socket',
      /^(?:(?:rediss?|(?:redis\+)?unix):\/)?\/[^\s]+$/i,
    ),
    secret: true,
  }),
  config: option({ describe: 'A JSON file of options', commands: COMMANDS, env: 'FANMAIL_CONFIG', schema: line() }),
  home: option({
    describe: "fanmail's own folder; the nearest .fanmail/ where not given",
    commands: KEEPING,
    env: 'FANMAIL_HOME',
    schema: line(),
  }),
  logLevel: option({
    describe: 'What to log to standard error',
    commands: COMMANDS,
    env: 'FANMAIL_LOG_LEVEL',
    schema: oneOf(['debug', 'info', 'warn', 'error', 'silent']),
    default: 'warn',
  }),
  logFile: option({
    describe: 'A file to log to instead',
    commands: COMMANDS,
    env: 'FANMAIL_LOG_FILE',
    schema: line(),
  }),
} satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;
export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

/** `retrySchedule` is `retry-schedule` on the command line and in a config file. */
export function flagOf(name: OptionName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The options of a command, in the order of the table. */
export function optionsOf(command: Command): readonly OptionName[] {
  return OPTION_NAMES.filter((name) => (OPTIONS[name].commands as readonly Command[]).includes(command));
}
