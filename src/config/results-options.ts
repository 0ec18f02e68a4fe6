import { condition } from './condition.js';
import { option, toggle } from './option.js';

/** Which recipients of a campaign are meant: part of the table of options.ts. */
export const RESULTS_OPTIONS = {
  where: option({
    describe: 'Only recipients who fit this condition, such as "code=4.7.28 and domain=gmail.com"',
    commands: ['retry', 'export'],
    schema: condition(),
  }),
  unknown: toggle(['retry'], 'Try those of unknown outcome, too; they may get a second copy'),
  skipped: toggle(['retry'], 'Try those, too, that a cancelled campaign skipped'),
} as const;
