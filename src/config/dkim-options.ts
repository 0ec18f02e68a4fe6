import { option } from './option.js';
import { secret } from './parse.js';

/** What signs messages: part of the table of options.ts. */
export const DKIM_OPTIONS = {
  dkim: option({
    describe:
      'Sign with these DKIM keys: domain:selector=file, such as example.com:s1=./s1.pem; several with blanks between',
    commands: ['launch', 'attach', 'worker', 'check', 'preview', 'rehearse', 'retry'],
    env: 'FANMAIL_DKIM',
    // Whoever signs parses the rest, and says which key is wrong.
    schema: secret('domain:selector=file, or domain:selector= and the key in PEM', /^[^\s:=,]+:[^\s:=,]+=\s*\S/),
    secret: true,
  }),
} as const;
