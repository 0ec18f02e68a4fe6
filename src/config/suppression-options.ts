import { SUPPRESSION_REASONS } from '../domain/suppression.js';
import { option } from './option.js';
import { oneOf, topic, words } from './parse.js';

/** Whom not to send to: part of the table of options.ts. */
export const SUPPRESSION_OPTIONS = {
  what: option({
    describe: 'What to do with the suppression list',
    commands: ['suppress'],
    schema: oneOf(['add', 'remove', 'import', 'export', 'check', 'unsubscribe']),
    requiredBy: ['suppress'],
    positional: true,
  }),
  who: option({
    describe: 'Addresses, or the file to import, or what unsubscribes; - for standard input',
    commands: ['suppress'],
    schema: words(),
    positional: true,
    many: true,
  }),
  topic: option({
    describe: 'What a campaign is about: whoever is suppressed for it gets nothing; without, only who is for all',
    commands: ['launch', 'suppress'],
    schema: topic(),
  }),
  why: option({
    describe: 'The reason to keep with an address; manual or import where not given',
    commands: ['suppress'],
    schema: oneOf(SUPPRESSION_REASONS),
  }),
  onDead: option({
    describe: 'An address of which the relay says that there is none: suppress it for all campaigns, or keep it',
    commands: ['launch'],
    env: 'FANMAIL_ON_DEAD',
    schema: oneOf(['suppress', 'keep']),
    default: 'suppress',
  }),
} as const;
