import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';

/** What the relay wrote down on its own about one address. */
export interface Seen {
  accepted: number;
  permanent: number;
  transient: number;
  messageIds: Set<string>;
}

interface Line {
  readonly to: string;
  readonly accepted: boolean;
  readonly messageId?: string;
  readonly reply?: string;
}

/** Reads the relay's record; shares nothing with the ledger. */
export function readRecord(path: string): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (text === '') continue;
    const line = JSON.parse(text) as Line;
    const entry = seen.get(line.to) ?? { accepted: 0, permanent: 0, transient: 0, messageIds: new Set<string>() };
    seen.set(line.to, entry);
    if (line.accepted) {
      entry.accepted += 1;
      entry.messageIds.add(line.messageId ?? '');
    } else if (line.reply?.startsWith('5')) entry.permanent += 1;
    else entry.transient += 1;
  }
  return seen;
}

export interface ResultRow {
  readonly email: string;
  readonly state: string;
  readonly code: string;
  readonly attempts: string;
  readonly message_id: string;
  readonly time: string;
}

export function readResults(path: string): ResultRow[] {
  return parse(readFileSync(path), { columns: true }) as ResultRow[];
}

/** Every way in which the results and the relay's record contradict each other; empty where they agree. */
export function contradictions(rows: readonly ResultRow[], record: ReadonlyMap<string, Seen>): string[] {
  const found: string[] = [];
  const known = new Set<string>();
  for (const { email, state, message_id: id } of rows) {
    const seen = record.get(email);
    const copies = seen?.accepted ?? 0;
    if (known.has(email)) found.push(`${email} stands twice in the results`);
    known.add(email);
    if (copies > 1) found.push(`${email} has ${copies} accepted copies`);
    if (state === 'sent' && copies !== 1) found.push(`${email} is sent, and the relay has ${copies} copies`);
    if (state === 'sent' && !seen?.messageIds.has(id)) found.push(`${email} arrived under another Message-ID`);
    if (state === 'failed' && (copies > 0 || !seen?.permanent))
      found.push(`${email} is failed, and the relay did not refuse it`);
    if (!['sent', 'failed', 'unknown', 'skipped'].includes(state)) found.push(`${email} ended ${state}`);
    if (state === 'skipped' && copies > 0) found.push(`${email} is skipped, and the relay has it`);
  }
  for (const [email, seen] of record) {
    if (!known.has(email) && seen.accepted > 0) found.push(`${email} got a message and isn't in the results`);
  }
  return found;
}
