import type { RoundResult } from './round.js';

/** What a soak did and found, added up. */
export interface Figures {
  rounds: number;
  campaigns: number;
  recipients: number;
  kills: number;
  freezes: number;
  redisRestarts: number;
  relayFaults: number;
  accepted: number;
  secondCopiesHold: number;
  secondCopiesResend: number;
  lost: number;
  unknown: number;
  /** Of one campaign, with what was in doubt there. */
  largestUnknown: { count: number; bound: number };
  /** Of one round, by kills, freezes and the like alone, with what was on the wire then. */
  largestByDeeds: { count: number; wire: number };
  /** How often the counters of a running campaign were added up. */
  looks: number;
  modelLives: number;
  /** Fault scenarios of test/faults that passed; 0 where they weren't asked for. */
  scenarios: number;
  breaches: number;
}

export function noFigures(): Figures {
  return {
    ...{ rounds: 0, campaigns: 0, recipients: 0, kills: 0, freezes: 0, redisRestarts: 0, relayFaults: 0, accepted: 0 },
    ...{ secondCopiesHold: 0, secondCopiesResend: 0, lost: 0, unknown: 0, largestUnknown: { count: 0, bound: 0 } },
    largestByDeeds: { count: 0, wire: 0 },
    ...{ looks: 0, modelLives: 0, scenarios: 0, breaches: 0 },
  };
}

export function addRound(figures: Figures, result: RoundResult): void {
  figures.rounds++;
  for (const name of ['recipients', 'kills', 'freezes', 'redisRestarts', 'relayFaults', 'looks'] as const)
    figures[name] += result[name];
  figures.breaches += result.breaches.length;
  const byDeeds = result.verdicts.reduce((all, verdict) => all + verdict.byDeeds, 0);
  if (byDeeds > figures.largestByDeeds.count) figures.largestByDeeds = { count: byDeeds, wire: result.wire };
  for (const { onUnknown, accepted, secondCopies, unknown, lost, bound } of result.verdicts) {
    figures.campaigns++;
    figures.accepted += accepted;
    figures.lost += lost;
    figures.unknown += unknown;
    if (onUnknown === 'hold') figures.secondCopiesHold += secondCopies;
    else figures.secondCopiesResend += secondCopies;
    if (unknown > figures.largestUnknown.count) figures.largestUnknown = { count: unknown, bound };
  }
}

/** The figures as lines of name and value, those of two columns in line. */
export function tableOf(figures: Figures, minutes: number): string {
  const { largestUnknown: largest, largestByDeeds: byDeeds } = figures;
  const rows: readonly (readonly [string, string])[] = [
    ['minutes', minutes.toFixed(1)],
    ['rounds', count(figures.rounds)],
    ['campaigns', count(figures.campaigns)],
    ['recipients', count(figures.recipients)],
    ['processes killed', count(figures.kills)],
    ['processes frozen', count(figures.freezes)],
    ['Redis killed and restarted', count(figures.redisRestarts)],
    ['faults by the relay', count(figures.relayFaults)],
    ['messages accepted by the relay', count(figures.accepted)],
    ['second copies with hold', count(figures.secondCopiesHold)],
    ['second copies with resend', count(figures.secondCopiesResend)],
    ['lost', count(figures.lost)],
    ['unknown, of all campaigns', count(figures.unknown)],
    ['largest unknown of a campaign', `${largest.count}, of ${largest.bound} in doubt`],
    ['largest doubt of a round by deeds alone', `${byDeeds.count}, of ${byDeeds.wire} on the wire`],
    ['times the counters were added up', count(figures.looks)],
    ['lives of the ledger’s model', count(figures.modelLives)],
    ...(figures.scenarios > 0 ? ([['fault scenarios passed', count(figures.scenarios)]] as const) : []),
    ['promises broken', count(figures.breaches)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

/** A round in a line. */
export function lineOf(round: number, { ms, verdicts, told, relayFaults, breaches }: RoundResult): string {
  const campaigns = verdicts.map(
    ({ id, onUnknown, accepted, secondCopies, unknown, bound }) =>
      `${id} ${onUnknown}: ${accepted} accepted, ${unknown} unknown, ${secondCopies} twice, of ${bound}`,
  );
  const deeds = told.map(({ said }) => said).join('; ');
  const outcome = breaches.length === 0 ? 'ok' : `BROKEN: ${breaches.length}`;
  return `round ${round}  ${Math.round(ms / 1_000)} s  ${outcome}  [${campaigns.join(' | ')}]  ${deeds}; ${relayFaults} faults by the relay\n`;
}

function count(value: number): string {
  return value.toLocaleString('en');
}
