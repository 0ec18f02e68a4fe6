import { readRecord } from './record.js';
import { readResults } from './results-file.js';
import type { Fault } from './scenario.js';

/** Everything that list, results and the relay's own record say of one recipient. */
export interface Person {
  /** Lines in the results; the fields below are of the last one. */
  lines: number;
  state: string;
  code: string;
  attempts: number;
  reason: string;
  /** The Message-ID that the results name. */
  messageId: string;
  /** Messages that the relay took, and their Message-IDs. */
  copies: number;
  messageIds: string[];
  /** Tries that got an answer from the relay, or a broken connection. */
  tries: number;
  /** Refused for now. */
  deferrals: number;
  /** The codes of what was refused for good: `550 5.1.1`. */
  refusals: string[];
  /** Connections that broke before the message was handed over. */
  dropsBefore: number;
  /** Connections that broke after its final dot. */
  dropsAfter: number;
}

export interface People {
  /** By address, in the order of the list. */
  readonly known: ReadonlyMap<string, Person>;
  /** Addresses that stand in the results or the relay's record, and not in the list. */
  readonly strangers: readonly string[];
  /** How often each fault struck. */
  readonly faults: Readonly<Record<Fault, number>>;
}

/**
 * Joins three records that were made apart: the addresses as they were read from the list, the results file, and the
 * relay's record. Nothing of the ledger is asked. Rejects where a file can't be read for what it is.
 */
export async function joinPeople(list: Iterable<string>, results: string, record: string): Promise<People> {
  const known = new Map<string, Person>();
  for (const address of list) known.set(address, nobody());
  const strangers = new Set<string>();
  const faults: Record<Fault, number> = { throttle: 0, greylist: 0, refuse: 0, drop: 0, slow: 0 };

  for await (const { to, did, stage, reply, messageId, fault, delayMs } of readRecord(record)) {
    if (fault !== null) faults[fault] += 1;
    if (delayMs > 0 && fault !== 'slow') faults.slow += 1;
    const person = known.get(to);
    if (!person) {
      strangers.add(to);
      continue;
    }
    person.tries += 1;
    if (messageId !== null) {
      person.copies += 1;
      person.messageIds.push(messageId);
    }
    if (did === 'dropped') person[stage === 'message' ? 'dropsAfter' : 'dropsBefore'] += 1;
    else if (did === 'refused' && reply?.startsWith('5')) person.refusals.push(codeOf(reply));
    else if (did === 'refused') person.deferrals += 1;
  }

  for await (const { email, ...line } of readResults(results)) {
    const person = find(known, email);
    if (!person) strangers.add(email);
    else Object.assign(person, { ...line, lines: person.lines + 1 });
  }
  return { known, strangers: [...strangers], faults };
}

/** A cell may have an apostrophe in front, against spreadsheets, or be an address that begins with one. */
function find(known: ReadonlyMap<string, Person>, cell: string): Person | undefined {
  const exact = known.get(cell);
  const bare = cell.startsWith("'") ? known.get(cell.slice(1)) : undefined;
  return exact && bare && exact.lines > bare.lines ? bare : (exact ?? bare);
}

/** `550 5.1.1`, or `550` without an enhanced code. */
function codeOf(reply: string): string {
  return /^\d{3}(?: [245]\.\d{1,3}\.\d{1,3}(?= ))?/.exec(reply)?.[0] ?? '';
}

function nobody(): Person {
  return {
    ...{ lines: 0, state: '', code: '', attempts: 0, reason: '', messageId: '' },
    ...{ copies: 0, messageIds: [], tries: 0, deferrals: 0, refusals: [], dropsBefore: 0, dropsAfter: 0 },
  };
}
