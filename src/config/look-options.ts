import { option, toggle } from './option.js';
import { count, line } from './parse.js';

/** Looking before launching: part of the table of options.ts. */
export const LOOK_OPTIONS = {
  row: option({
    describe: 'Which recipient to show, counting those that can be sent to; the first where not given',
    commands: ['preview'],
    schema: count(1, 1_000_000_000),
  }),
  email: option({ describe: 'Show the message to this address', commands: ['preview'], schema: line() }),
  open: toggle(['preview'], 'Show the message in the browser, as wide as a phone and as a desktop'),
  strict: toggle(['check'], 'Take warnings for refusals'),
} as const;
