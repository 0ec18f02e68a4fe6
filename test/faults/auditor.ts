import type { ResultRow, Seen } from '../support/audit.js';

/** What a fault may have cost; nothing where it isn't said. */
export interface Allowance {
  /** Unknown recipients: what was on the wire. */
  readonly unknown?: number;
  /** Copies beyond the first, of all recipients together. */
  readonly secondCopies?: number;
  /** Failed although the relay refused nothing. */
  readonly failed?: RegExp;
}

/**
 * Every way in which the results, the list and the relay's own record contradict each other, or cost more than the
 * fault allows; empty where all is well. Reads files alone: nothing of the ledger's code.
 */
export function breaches(
  list: readonly string[],
  rows: readonly ResultRow[],
  record: ReadonlyMap<string, Seen>,
  allowed: Allowance,
): string[] {
  const found = [...coverage(list, rows, record), ...rows.flatMap((row) => contradictionsOf(row, record, allowed))];
  const unknown = rows.filter((row) => row.state === 'unknown').length;
  if (unknown > (allowed.unknown ?? 0)) found.push(`${unknown} are unknown, of ${allowed.unknown ?? 0} on the wire`);
  const twice = [...record].filter(([, seen]) => seen.accepted > 1);
  const copies = twice.reduce((all, [, seen]) => all + seen.accepted - 1, 0);
  if (copies > (allowed.secondCopies ?? 0))
    found.push(`${copies} second copies, of ${allowed.secondCopies ?? 0}: ${twice.map(([email]) => email).join(' ')}`);
  return found;
}

/** Everybody of the list stands in the results once, and nobody else got a message. */
function coverage(list: readonly string[], rows: readonly ResultRow[], record: ReadonlyMap<string, Seen>): string[] {
  const times = new Map(list.map((email) => [email, 0]));
  const found: string[] = [];
  for (const { email } of rows) {
    const before = times.get(email);
    if (before === undefined) found.push(`${email} is in the results and not in the list`);
    else times.set(email, before + 1);
  }
  for (const [email, count] of times) if (count !== 1) found.push(`${email} stands ${count} times in the results`);
  for (const email of record.keys()) if (!times.has(email)) found.push(`${email} was mailed and is not in the list`);
  return found;
}

function contradictionsOf(row: ResultRow, record: ReadonlyMap<string, Seen>, { failed }: Allowance): string[] {
  const { email, state, message_id: id } = row;
  const seen = record.get(email);
  const copies = seen?.accepted ?? 0;
  switch (state) {
    case 'sent':
      if (copies === 0) return [`${email} is sent, and the relay has no copy`];
      return seen?.messageIds.size === 1 && seen.messageIds.has(id)
        ? []
        : [`${email} arrived under another Message-ID`];
    case 'failed':
      if (copies > 0) return [`${email} is failed, and the relay has it`];
      return seen?.permanent || failed?.test(email) ? [] : [`${email} is failed, and the relay did not refuse it`];
    case 'skipped':
      return copies > 0 ? [`${email} is skipped, and the relay has it`] : [];
    case 'unknown':
      return [];
    default:
      return [`${email} ended ${state}`];
  }
}
