import type { Campaign, Standing } from '../domain/campaign.js';
import { FanmailError } from '../domain/errors.js';
import { type Counters, STATE_NAMES } from '../domain/state.js';
import type { Reopened } from './retry-ports.js';

/** Why a retry is refused, in words. */

export function notEnded(id: string, phase: string): FanmailError {
  return new FanmailError('CAMPAIGN_NOT_OPEN', `the campaign ${id} has not ended: it is ${phase}`, {
    hint: `fanmail attach ${id} follows it to its end`,
  });
}

export function vanished(id: string): FanmailError {
  return new FanmailError('CAMPAIGN_UNKNOWN', `the campaign ${id} is not in this Redis any more`);
}

/** Throws LEDGER_UNBALANCED where a recount differs. */
export function requireBalance({ campaign, counters }: Standing, counted: Counters): void {
  const wrong = STATE_NAMES.filter((name) => counters[name] !== counted[name]);
  if (wrong.length === 0) return;
  const words = wrong.map((name) => `${name} is counted ${counters[name]} and found ${counted[name]}`);
  throw new FanmailError(
    'LEDGER_UNBALANCED',
    `the ledger of campaign ${campaign.id} does not balance: ${words.join('; ')}`,
    { hint: 'nothing was changed; the Redis lost part of what it had acknowledged, or something else wrote to it' },
  );
}

export function dataGone({ id }: Campaign, gone: number): FanmailError {
  return new FanmailError(
    'RETRY_DATA_GONE',
    `the data of ${gone} recipients that would be tried again is not in Redis any more: it stays for 3 to 7 days after the end`,
    {
      hint:
        'nothing was changed; launch again to those that are left:\n' +
        `fanmail export ${id} --where "state=failed" --out again.csv writes their addresses`,
    },
  );
}

export function movedOn(campaign: Campaign, why: Exclude<Reopened, 'ok'>): FanmailError {
  const { id, round } = campaign;
  if (why === 'missing') return vanished(id);
  if (why === 'incomplete') {
    const hint = 'nothing was changed; try again';
    return new FanmailError('RETRY_DATA_GONE', `what the retry of ${id} had staged or needs has gone away`, { hint });
  }
  const what =
    why === 'late'
      ? `late words on ${id} keep coming, so that it can't be reopened now`
      : `${id} has moved on since round ${round}: another retry was faster`;
  return new FanmailError('CAMPAIGN_NOT_OPEN', what, {
    hint: `nothing was changed by this retry; fanmail progress ${id} shows where it stands`,
  });
}
