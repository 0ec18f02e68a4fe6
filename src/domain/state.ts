/** The states of a recipient in the ledger: its byte there, and whether it is final. */
export const STATES = {
  pending: { byte: 'P', final: false },
  inflight: { byte: 'I', final: false },
  deferred: { byte: 'D', final: false },
  sent: { byte: 'S', final: true },
  failed: { byte: 'F', final: true },
  suppressed: { byte: 'X', final: true },
  skipped: { byte: 'K', final: true },
  unknown: { byte: 'U', final: true },
} as const;

export type State = keyof typeof STATES;
export const STATE_NAMES = Object.keys(STATES) as readonly State[];

/** How many recipients of a campaign are in each state. At every instant they add up to the total. */
export type Counters = Readonly<Record<State, number>>;

const BY_BYTE = new Map<number, State>(STATE_NAMES.map((name) => [STATES[name].byte.charCodeAt(0), name]));

/** The state that a byte of the ledger stands for; undefined for a byte that no version of this format wrote. */
export function stateOfByte(byte: number): State | undefined {
  return BY_BYTE.get(byte);
}

export function isFinal(state: State): boolean {
  return STATES[state].final;
}

export function sum(counters: Counters): number {
  return STATE_NAMES.reduce((total, name) => total + counters[name], 0);
}
