import { option } from './option.js';
import { line, oneOf } from './parse.js';

/** How a list is read: part of the table of options.ts. */
export const LIST_OPTIONS = {
  exclude: option({
    describe: 'A file of addresses never to send to',
    commands: ['launch', 'check', 'preview', 'rehearse'],
    env: 'FANMAIL_EXCLUDE',
    schema: line(),
  }),
  emailColumn: option({
    describe: 'The column of the addresses; found by its usual names where not given',
    commands: ['launch', 'check', 'preview', 'rehearse'],
    env: 'FANMAIL_EMAIL_COLUMN',
    schema: line(),
  }),
  encoding: option({
    describe:
      "The list's encoding; auto: by its byte order mark, else UTF-8, else Windows-1252 where it can only be that",
    commands: ['launch', 'check', 'preview', 'rehearse'],
    env: 'FANMAIL_ENCODING',
    schema: oneOf(['auto', 'utf-8', 'utf-16', 'windows-1252']),
    default: 'auto',
  }),
  columns: option({
    describe: 'The names of the columns, separated by commas, of a CSV list whose first line is a recipient already',
    commands: ['launch', 'check', 'preview', 'rehearse', 'export'],
    otherwise: { export: 'The columns to write, separated by commas; those of results.csv where not given' },
    env: 'FANMAIL_COLUMNS',
    schema: line(),
  }),
} as const;
