/** What was measured several times: never a single figure, since machines differ from minute to minute. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Throws RangeError where there is no sample: a figure of nothing would look like a measured one. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new RangeError('no samples');
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? max;
  const lower = sorted[sorted.length % 2 === 1 ? middle : middle - 1] ?? min;
  return { median: (lower + upper) / 2, min, max };
}

/** Sample by sample: those at the same place were measured side by side. */
export function ratios(above: readonly number[], below: readonly number[]): number[] {
  return above.flatMap((value, at) => {
    const other = below[at];
    return other === undefined ? [] : [value / other];
  });
}
