import { option } from './option.js';
import { count, line } from './parse.js';

/** The mail catcher: part of the table of options.ts. */
export const CATCH_OPTIONS = {
  port: option({
    describe: 'The port for SMTP, on 127.0.0.1',
    commands: ['catch'],
    env: 'FANMAIL_CATCH_PORT',
    schema: count(0, 65_535),
    default: '1025',
  }),
  httpPort: option({
    describe: 'The port for the HTTP interface, on 127.0.0.1',
    commands: ['catch'],
    env: 'FANMAIL_CATCH_HTTP_PORT',
    schema: count(0, 65_535),
    default: '8025',
  }),
  dir: option({
    describe: 'The folder for caught messages; one under the home where not given',
    commands: ['catch'],
    env: 'FANMAIL_CATCH_DIR',
    schema: line(),
  }),
} as const;
