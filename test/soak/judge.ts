import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { breaches } from '../faults/auditor.js';
import { emails } from '../faults/field.js';
import { type ResultRow, readRecord, readResults, type Seen } from '../support/audit.js';
import { operatorOf } from './ground.js';
import type { FaultLine, Mood } from './mood.js';
import type { CampaignPlan } from './world.js';

/** What is left on disk of a campaign that ended, and what else there is to know of it. */
export interface Evidence {
  readonly plan: CampaignPlan;
  readonly cancelled: boolean;
  /** The lines of its `results.csv`, and the states that its `summary.json` counts. */
  readonly rows: readonly ResultRow[];
  readonly summary: { readonly total: number; readonly states: Readonly<Record<string, number>> };
  /** What the relay wrote down about its recipients, and did wrong to them. */
  readonly record: ReadonlyMap<string, Seen>;
  readonly faults: readonly FaultLine[];
  readonly notices: number;
}

export interface Verdict {
  readonly id: string;
  readonly onUnknown: 'hold' | 'resend';
  readonly accepted: number;
  readonly secondCopies: number;
  readonly unknown: number;
  /** Sent without a copy, or in no result at all. */
  readonly lost: number;
  /** What may be unknown or have a second copy: the wire of all that was hit, and the relay's own doubtful ends. */
  readonly bound: number;
  /** Of the unknown and the second copies, those that no doubtful end of the relay's explains. */
  readonly byDeeds: number;
  readonly breaches: readonly string[];
}

const FILES = ['results.csv', 'summary.html', 'summary.json', 'summary.txt'];

/** Reads what the product and the relay left; null where there are no results, or more than one. */
export function evidenceOf(folder: string, plan: CampaignPlan, cancelled: boolean): Evidence | null {
  const own = join(folder, 'fanmail-results', plan.id);
  if (!existsSync(own)) return null;
  // A process that was killed while it wrote leaves a file under a name that nobody takes for a result.
  const whole = readdirSync(own).filter((name) => !name.endsWith('.partial'));
  if (whole.sort().join() !== FILES.join()) return null;
  const mine = (address: string) => address.endsWith(`@${plan.id}.example.com`);
  const record = readRecord(join(folder, 'record'));
  return {
    ...{ plan, cancelled },
    rows: readResults(join(own, 'results.csv')),
    summary: JSON.parse(readFileSync(join(own, 'summary.json'), 'utf8')) as Evidence['summary'],
    record: new Map([...record].filter(([address]) => mine(address))),
    faults: readFaults(join(folder, 'record.faults')).filter(({ address }) => mine(address)),
    notices: record.get(operatorOf(plan.id))?.accepted ?? 0,
  };
}

export function readFaults(path: string): FaultLine[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as FaultLine);
}

/** Holds the evidence against the promises. `wire`: what the deeds of the round may have left in doubt. */
export function judge(evidence: Evidence, wire: number, mood: Mood): Verdict {
  const { plan, rows, record, faults, cancelled } = evidence;
  const list = emails(plan.id, plan.rows);
  const doubts = doubtsOf(faults);
  const bound = wire + sum(doubts.values());
  const hold = plan.onUnknown === 'hold';
  const found = breaches(list, rows, withRefusals(record, faults), {
    unknown: bound,
    secondCopies: hold ? 0 : bound,
    ...(mood.poison === null ? {} : { failed: new RegExp(`^${mood.poison}`) }),
  });
  // Sent again until the relay says no, or the operator: only then may it stay unknown whether an earlier try arrived.
  if (!hold && !cancelled) found.push(...unknownWithoutRefusal(rows, withRefusals(record, faults)));
  const count = (state: string) => rows.filter((row) => row.state === state).length;
  const secondCopies = sum([...record.values()].map(({ accepted }) => Math.max(0, accepted - 1)));
  const byDeeds = sum(
    rows.map(({ email, state }) => {
      const doubted = Math.max(0, (record.get(email)?.accepted ?? 0) - 1) + (state === 'unknown' ? 1 : 0);
      return Math.max(0, doubted - (doubts.get(email) ?? 0));
    }),
  );
  if (byDeeds > wire)
    found.push(`${byDeeds} are unknown or second copies by no fault of the relay, of ${wire} on the wire`);
  if (!cancelled && count('skipped') > 0) found.push(`${count('skipped')} are skipped, and nobody cancelled`);
  if (evidence.notices > 1) found.push(`the notice arrived ${evidence.notices} times`);
  for (const [state, figure] of Object.entries(evidence.summary.states))
    if (figure !== count(state)) found.push(`the summary counts ${figure} ${state}, the results ${count(state)}`);
  if (evidence.summary.total !== plan.rows) found.push(`the summary counts ${evidence.summary.total} in all`);
  const known = new Set(rows.map(({ email }) => email));
  const without = rows.filter(({ email, state }) => state === 'sent' && !record.get(email)?.accepted);
  return {
    ...{
      id: plan.id,
      onUnknown: plan.onUnknown,
      secondCopies,
      unknown: count('unknown'),
      bound,
      byDeeds,
      breaches: found,
    },
    accepted: sum([...record.values()].map(({ accepted }) => accepted)),
    lost: without.length + list.filter((email) => !known.has(email)).length,
  };
}

function unknownWithoutRefusal(rows: readonly ResultRow[], record: ReadonlyMap<string, Seen>): string[] {
  const refused = (seen: Seen | undefined) => seen !== undefined && seen.permanent + seen.transient > 0;
  const left = rows.filter(({ email, state }) => state === 'unknown' && !refused(record.get(email)));
  return left.map(({ email }) => `${email} is unknown with resend, and the relay refused nothing`);
}

/** The wire is the same for all campaigns of a round: together they can't have lost more than it. */
export function judgeTogether(verdicts: readonly Verdict[], wire: number): string[] {
  const all = sum(verdicts.map(({ byDeeds }) => byDeeds));
  return all <= wire
    ? []
    : [`${all} in all are unknown or second copies by no fault of the relay, of ${wire} on the wire`];
}

/** How often the relay ended a message so that nobody can know whether it was kept, by recipient. */
function doubtsOf(faults: readonly FaultLine[]): ReadonlyMap<string, number> {
  const doubts = new Map<string, number>();
  for (const { address, doubt } of faults) if (doubt) doubts.set(address, (doubts.get(address) ?? 0) + 1);
  return doubts;
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((all, number) => all + number, 0);
}

/** The record knows who was refused at RCPT; who was refused after the message stands among the faults. */
function withRefusals(record: ReadonlyMap<string, Seen>, faults: readonly FaultLine[]): ReadonlyMap<string, Seen> {
  const refused = new Set(faults.filter(({ name }) => name.startsWith('5')).map(({ address }) => address));
  const merged = new Map(record);
  for (const address of refused) {
    const seen = record.get(address) ?? { accepted: 0, permanent: 0, transient: 0, messageIds: new Set<string>() };
    merged.set(address, { ...seen, permanent: seen.permanent + 1 });
  }
  return merged;
}
