/** Eight buckets to a doubling, so a percentile is at most 9% off, from 1 ms to 10 minutes in 155 buckets. */
const PER_DOUBLING = 8;

/** The bucket of a latency in milliseconds, 0 to 254. */
export function latencyBucket(ms: number): number {
  return Math.min(254, Math.floor(PER_DOUBLING * Math.log2(Math.max(0, ms) + 1)));
}

/** The latency at the middle of a bucket, in milliseconds. */
export function bucketLatency(bucket: number): number {
  return 2 ** ((bucket + 0.5) / PER_DOUBLING) - 1;
}

/** The doubling that a bucket belongs to: number d holds what took from 2^d - 1 ms to 2^(d+1) - 1 ms. */
export function doublingOf(bucket: number): number {
  return Math.floor(bucket / PER_DOUBLING);
}

/** The latency below which the share `p` (0 to 1) of all counted lie, in milliseconds; null where none was counted. */
export function percentile(histogram: ReadonlyMap<number, number>, p: number): number | null {
  const total = [...histogram.values()].reduce((a, b) => a + b, 0);
  let left = Math.ceil(total * p);
  for (const bucket of [...histogram.keys()].sort((a, b) => a - b)) {
    left -= histogram.get(bucket) ?? 0;
    if (left <= 0 && total > 0) return bucketLatency(bucket);
  }
  return null;
}
