import type { People, Person } from './people.js';

/** One thing that was compared. */
export interface Compared {
  readonly name: 'once' | 'copies' | 'sent' | 'failed' | 'unknown';
  readonly holds: boolean;
  /** What was proved, or what is wrong, with at most three of those whom it is about. */
  readonly detail: string;
}

/** What the rehearsal did itself, and so may have cost. */
export interface Allowance {
  /** Worker processes that were killed, and connections each had at most. */
  readonly kills: number;
  readonly connections: number;
  /** Recipients nobody knows of were tried again, at the risk of a second copy. */
  readonly resend: boolean;
  /** The campaign was cancelled by the rehearsal, since the relay's words had paused it. */
  readonly cancelled: boolean;
}

const SHOWN = 3;
/** Reasons of a failure without a refusal for good, and what the relay must have seen then. */
const USED_UP = ['attempts-used', 'dropped'];

/** Holds list, results and the relay's record against each other. Shares no code with the ledger that made the results. */
export function compare({ known, strangers }: People, allowed: Allowance): readonly Compared[] {
  const people = [...known];
  const of = (state: string) => people.filter(([, person]) => person.state === state);
  return [
    once(people, strangers, allowed),
    copies(people, allowed),
    check('sent', of('sent'), notSent, 'sent, each with its Message-ID in the record of the relay'),
    check('failed', of('failed'), notFailed, 'failed, each refused or dropped by the relay, and none has a copy'),
    unknown(of('unknown'), allowed),
  ];
}

type Entry = readonly [address: string, person: Person];

function once(people: readonly Entry[], strangers: readonly string[], { cancelled }: Allowance): Compared {
  const final = ['sent', 'failed', 'unknown', ...(cancelled ? ['skipped'] : [])];
  const wrong = people.flatMap(([address, { lines, state, copies: taken }]) => {
    if (lines !== 1) return [`${address} stands ${lines === 0 ? 'nowhere' : `${lines} times`} in the results`];
    if (state === 'skipped' && taken > 0) return [`${address} is skipped, and the relay has a copy`];
    return final.includes(state) ? [] : [`${address} ended ${state}`];
  });
  wrong.push(...strangers.map((address) => `${address} is not in the list`));
  return verdict('once', wrong, `${number(people.length)} recipients, each exactly once in the results`);
}

function copies(people: readonly Entry[], { kills, connections, resend }: Allowance): Compared {
  const twice = people.filter(([, person]) => person.copies > 1);
  const second = twice.reduce((sum, [, person]) => sum + person.copies - 1, 0);
  const lost = people.reduce((sum, [, person]) => sum + person.dropsAfter, 0) + kills * connections;
  const right = `${number(second)} second copies${second > 0 ? `, of at most ${number(lost)} risked by resending` : ''}`;
  if (resend && second <= lost) return { name: 'copies', holds: true, detail: right };
  return verdict(
    'copies',
    twice.map(([address, person]) => `${address} got ${person.copies} copies`),
    right,
  );
}

function notSent({ copies: taken, messageIds, messageId }: Person): string | null {
  if (taken === 0) return 'is sent, and the relay has no copy';
  return messageIds.every((one) => one === messageId) ? null : 'arrived under another Message-ID';
}

function notFailed({ copies: taken, reason, code, refusals, deferrals, dropsBefore }: Person): string | null {
  if (taken > 0) return reason === 'late-sent' ? null : 'is failed, and the relay has a copy';
  if (reason === 'render' || refusals.includes(code)) return null;
  const usedUp = USED_UP.includes(reason) && deferrals + dropsBefore > 0;
  return usedUp ? null : `is failed (${reason}), and the relay did not refuse it`;
}

function unknown(people: readonly Entry[], { kills, connections }: Allowance): Compared {
  const broken = people.filter(([, person]) => person.dropsAfter > 0);
  const others = people.filter(([, person]) => person.dropsAfter === 0);
  const onTheWire = kills * connections;
  if (others.length > onTheWire) {
    const wrong = others.map(([address]) => `${address} is unknown, and its connection was not broken`);
    return verdict('unknown', wrong, '');
  }
  const why = [
    ...(broken.length > 0 ? [`${number(broken.length)} on a connection that broke after the final dot`] : []),
    ...(others.length > 0
      ? [`${number(others.length)} of the ${number(onTheWire)} that killed workers can have had on the wire`]
      : []),
  ];
  const head = `${number(people.length)} unknown`;
  return { name: 'unknown', holds: true, detail: why.length > 0 ? `${head}: ${why.join(', ')}` : head };
}

function check(
  name: Compared['name'],
  people: readonly Entry[],
  fault: (person: Person) => string | null,
  right: string,
): Compared {
  const wrong = people.flatMap(([address, person]) => {
    const what = fault(person);
    return what === null ? [] : [`${address} ${what}`];
  });
  return verdict(name, wrong, `${number(people.length)} ${right}`);
}

function verdict(name: Compared['name'], wrong: readonly string[], right: string): Compared {
  if (wrong.length === 0) return { name, holds: true, detail: right };
  const more = wrong.length > SHOWN ? `; and ${number(wrong.length - SHOWN)} more` : '';
  return { name, holds: false, detail: `${wrong.slice(0, SHOWN).join('; ')}${more}` };
}

function number(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
