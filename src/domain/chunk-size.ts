/** Recipients in a chunk of a small list. */
const BASE = 500;
/** After so many chunks of a size, the size doubles: 31 million recipients make 10,000 chunks. */
const CHUNKS_PER_SIZE = 2_000;
/** A chunk's states and records are read and written whole by scripts, which must not block Redis for long. */
export const MAX_CHUNK_SIZE = 10_000;

/**
 * Recipients that chunk number `chunk` (from 0) takes. The list is a stream, so its length isn't known: sizes grow on
 * the way, since a flow should not have much more than 10,000 children.
 */
export function chunkSize(chunk: number, fixed: number | null): number {
  if (fixed !== null) return fixed;
  return Math.min(MAX_CHUNK_SIZE, BASE * 2 ** Math.floor(chunk / CHUNKS_PER_SIZE));
}
