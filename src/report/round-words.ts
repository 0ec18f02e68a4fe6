import { type Asked, ENDED, type Round } from '../domain/round.js';
import { count, printable } from './format.js';

/** A round in a sentence: `2, opened 2026-05-02T…Z: 541 tried again (failed, unknown; code=4.7.28), 500 sent, 41 failed`. */
export function roundWords({ round, phase, openedAt, recipients, asked, ended }: Round): string {
  const whom =
    asked === null ? `${count(recipients)} recipients` : `${count(recipients)} tried again (${askedWords(asked)})`;
  const figures = ENDED.filter((state) => ended[state] !== 0).map((state) => `${count(ended[state])} ${state}`);
  const end = phase === 'cancelled' ? ', cancelled' : '';
  return [`${round}, opened ${openedAt}${end}: ${whom}`, ...figures].join(', ');
}

/** What a retry asked for: `failed, unknown; code=4.7.28`. Of the first round: everybody. */
export function askedWords(asked: Asked | null): string {
  if (asked === null) return 'everybody';
  const states = ['failed', ...(asked.unknown ? ['unknown'] : []), ...(asked.skipped ? ['skipped'] : [])];
  return `${states.join(', ')}${asked.where === null ? '' : `; ${printable(asked.where)}`}`;
}
