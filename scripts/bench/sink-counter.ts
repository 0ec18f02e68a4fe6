/** How far a sink is: `smtp-sink -c` writes this again and again, each after a carriage return. */
export interface SinkCount {
  readonly sessions: number;
  readonly messages: number;
}

const COUNTER = /sess=(\d+) +quit=(\d+) +mesg=(\d+) *(?=\r|\n)/g;

/** Milliseconds that a sink of the benchmark's own held messages, all together, as it last said; 0 where it never did. */
export function heldMs(text: string): number {
  return Number([...text.matchAll(/\rheld=(\d+)(?=\r)/g)].at(-1)?.[1] ?? 0);
}

/**
 * The last complete counter of what a sink wrote; null where there is none yet. One is complete when what ends it is
 * there: a number that was cut off would be a smaller one.
 */
export function lastCount(text: string): SinkCount | null {
  const last = [...text.matchAll(COUNTER)].at(-1);
  return last ? { sessions: Number(last[1]), messages: Number(last[3]) } : null;
}
