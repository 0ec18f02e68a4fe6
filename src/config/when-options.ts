import { option, toggle } from './option.js';
import { duration, line } from './parse.js';
import { share, windows, zone } from './parse-schedule.js';

/** When a campaign goes out: part of the table of options.ts. */
export const WHEN_OPTIONS = {
  at: option({
    describe: 'Send not before this time, such as "2026-12-01 09:00 Europe/Paris" or 2026-12-01T09:00+01:00',
    commands: ['launch'],
    schema: line(),
  }),
  between: option({
    describe: 'Send only in these windows, such as "mon-fri 09:00-17:00"; needs --zone, and waits outside',
    commands: ['launch'],
    env: 'FANMAIL_BETWEEN',
    schema: windows(),
  }),
  zone: option({
    describe: 'The time zone of --between and of an --at without one, such as Europe/Paris',
    commands: ['launch'],
    env: 'FANMAIL_ZONE',
    schema: zone(),
  }),
  canary: option({
    describe: 'Send to this part first, such as 1%; then it waits for --hold and goes on, or is cancelled',
    commands: ['launch'],
    schema: share('a part above 0% and below 100%, such as 1% or 0.5%', 0.000_001),
  }),
  hold: option({
    describe: 'How long it waits after the --canary; 30m where not given',
    commands: ['launch'],
    schema: duration('1s', '30d'),
  }),
  abortAbove: option({
    describe: 'The part of the --canary that may fail, such as 2%, which it is where not given',
    commands: ['launch'],
    schema: share('a part from 0% to below 100%, such as 2%', 0),
  }),
  now: toggle(['resume'], 'Wait for no time, no hours and no canary any more'),
} as const;
