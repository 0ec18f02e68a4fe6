import { option } from './option.js';
import { count, line, schedule } from './parse.js';

/** The options of `fanmail rehearse` alone: part of the table of options.ts. */
export const REHEARSAL_OPTIONS = {
  scenario: option({
    describe:
      "What goes wrong: bad-day, calm, drops, greylisting, killed-workers, slow, throttling, or a JSON file's path",
    commands: ['rehearse'],
    schema: line(),
    default: 'bad-day',
  }),
  seed: option({
    describe: 'Another number, and other recipients are struck; the same one strikes the same again',
    commands: ['rehearse'],
    schema: count(0, 2_147_483_647),
    default: '1',
  }),
  waits: option({
    describe: 'Waits between tries, instead of the retry schedule of a launch; the last one repeats',
    commands: ['rehearse'],
    schema: schedule(),
    default: '1s,2s,4s',
  }),
} as const;
