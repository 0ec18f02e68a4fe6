import type { Action, ScriptEvent } from '../support/script-relay.js';
import { type Dice, fate } from './dice.js';

type Stage = 'greeting' | 'ehlo' | 'mail' | 'rcpt' | 'data' | 'message';

/** What the relay of a round does wrong, and how often: shares of all events of that stage, between 0 and 1. */
export interface Mood {
  readonly seed: string;
  /** Before each reply to a message, in milliseconds. */
  readonly delayMs: number;
  readonly pipelining: boolean;
  readonly faults: readonly { readonly stage: Stage; readonly name: string; readonly share: number }[];
  /** Of the addresses, refused for good each time: at RCPT, or after the message. */
  readonly refused: number;
  /** Whose connection is dropped at DATA each time; null: nobody's. */
  readonly poison: string | null;
}

interface Fault {
  readonly action: Action;
  /** Nobody can know then whether the message was kept. */
  readonly doubt?: true;
}

const DROP = { pieces: [], after: 'destroy' } as const;
const lost = (action: Action): Fault => ({ action: { ...action, keep: false }, doubt: true });
const kept = (action: Action): Fault => ({ action: { ...action, keep: true }, doubt: true });
const HALF = { pieces: ['25', '0 2.0.0 acc'], after: 'destroy' } as const;
const GARBAGE = { pieces: ['2', '50accepted, or not\r\n'] } as const;
/** Longer than most answers, and shorter than any patience. */
const SLOW_MS = 1_500;

/** Replies of these stages speak of the whole connection, so they are rarer than those that speak of one recipient. */
const FAULTS: Readonly<Record<Stage, Readonly<Record<string, Fault>>>> = {
  greeting: {
    drop: { action: DROP },
    busy: { action: { reply: '421 4.3.2 too many connections', after: 'end' } },
    slow: { action: { delayMs: SLOW_MS } },
  },
  ehlo: { drop: { action: DROP }, busy: { action: { reply: '421 4.3.2 not now', after: 'end' } } },
  mail: {
    drop: { action: DROP },
    throttle: { action: { reply: '421 4.7.0 slow down', after: 'end' } },
    later: { action: { reply: '451 4.3.0 try again later' } },
    garbage: { action: { pieces: ['hello?\r\n'] } },
  },
  rcpt: {
    drop: { action: DROP },
    throttle: { action: { reply: '421 4.7.28 slow down', after: 'end' } },
    later: { action: { reply: '450 4.2.1 mailbox busy' } },
    slow: { action: { delayMs: SLOW_MS } },
  },
  data: {
    drop: { action: DROP },
    throttle: { action: { reply: '421 4.3.0 closing', after: 'end' } },
    later: { action: { reply: '451 4.3.0 try again later' } },
    cut: { action: { reply: '354 go on', after: 'destroy' }, doubt: true },
  },
  message: {
    'drop-kept': kept(DROP),
    'drop-lost': lost(DROP),
    'half-kept': kept(HALF),
    'half-lost': lost(HALF),
    'garbage-kept': kept(GARBAGE),
    'garbage-lost': lost(GARBAGE),
    'hush-kept': kept({ ...DROP, delayMs: SLOW_MS }),
    'hush-lost': lost({ ...DROP, delayMs: SLOW_MS }),
    throttle: { action: { reply: '421 4.7.0 slow down', after: 'end' } },
    later: { action: { reply: '452 4.2.2 mailbox full' } },
    slow: { action: { delayMs: SLOW_MS } },
    last: { action: { after: 'end' } },
  },
};

/** Refusals that use an attempt, for one recipient: fewer than a campaign's attempts, so that nobody fails by chance. */
const PATIENCE = 4;

export function drawMood(dice: Dice, seed: string, delayMs: number): Mood {
  const calm = dice.chance(0.25);
  const faults = (Object.keys(FAULTS) as Stage[]).flatMap((stage) =>
    Object.entries(FAULTS[stage])
      .filter(() => dice.chance(0.3) && !calm)
      .map(([name, { doubt }]) => ({ stage, name, share: dice.int(2, doubt ? 12 : 30) / 1_000 })),
  );
  const refused = dice.chance(0.5) ? dice.int(1, 100) / 1_000 : 0;
  const poison = dice.chance(0.2) ? `user${dice.int(0, 199)}@` : null;
  return { seed, delayMs, pipelining: dice.chance(0.8), faults, refused, poison };
}

/** A line of `<record>.faults`, what the relay did wrong; `doubt` where nobody can know whether the message was kept. */
export interface FaultLine {
  readonly stage: string;
  readonly name: string;
  readonly address: string;
  readonly doubt: boolean;
}

/**
 * What a relay of this mood does at an event: by seed, address and how often it was asked, in whatever order the events
 * come. `report` hears of each fault before it happens.
 */
export function behaviourOf(mood: Mood, report: (line: FaultLine) => void): (event: ScriptEvent) => Action | undefined {
  const asked = new Map<string, number>();
  const trials = new Map<string, number>();

  function chosen({ stage, address, connection }: ScriptEvent): string | null {
    const whom = ofRecipient(stage) ? address : `connection ${connection}`;
    const times = (asked.get(`${stage} ${whom}`) ?? 0) + 1;
    asked.set(`${stage} ${whom}`, times);
    let left = fate(mood.seed, stage, whom, times);
    for (const fault of mood.faults) {
      if (fault.stage !== stage) continue;
      left -= fault.share;
      if (left < 0) return fault.name;
    }
    return null;
  }

  /** The notice has enough to bear without it. */
  const spared = (address: string) => address.startsWith('operator@') || (trials.get(address) ?? 0) >= PATIENCE;

  return (event) => {
    const { stage, address } = event;
    const fixed = refusalOf(mood, event);
    if (fixed) {
      report({ stage, name: fixed.reply ?? 'poison', address, doubt: false });
      return fixed;
    }
    const name = spared(address) ? null : chosen(event);
    const fault = name === null ? undefined : FAULTS[stage as Stage]?.[name];
    if (!fault || name === null) return undefined;
    if (ofRecipient(stage) && (/^4(?!21)/.test(fault.action.reply ?? '') || name.startsWith('drop')))
      trials.set(address, (trials.get(address) ?? 0) + 1);
    report({ stage, name, address, doubt: fault.doubt === true });
    return fault.action;
  };
}

/** Before RCPT nobody knows for whom a message is. */
function ofRecipient(stage: ScriptEvent['stage']): boolean {
  return stage === 'rcpt' || stage === 'data' || stage === 'message';
}

function refusalOf({ seed, refused, poison }: Mood, { stage, address }: ScriptEvent): Action | null {
  if (poison !== null && stage === 'data' && address.startsWith(poison)) return DROP;
  if ((stage !== 'rcpt' && stage !== 'message') || address.startsWith('operator@')) return null;
  if (fate(seed, 'refused', address) >= refused) return null;
  const at = fate(seed, 'refused at', address) < 0.7 ? 'rcpt' : 'message';
  if (stage !== at) return null;
  return { reply: stage === 'rcpt' ? '550 5.1.1 no such user here' : '554 5.6.0 not with this content' };
}
