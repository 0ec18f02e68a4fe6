import type { Reject } from './recipient.js';

/** Rows of a list, of which those that are sendable are packed. */
export interface PackedBatch {
  readonly rejects: readonly Reject[];
  /**
   * For each recipient, in JSON in UTF-8, a comma and an array: line, address, and a value for each variable that the
   * campaign keeps, in their order. Good until the next batch is asked for.
   */
  readonly bytes: Buffer;
  /** Where each recipient ends in them. */
  readonly ends: Uint32Array;
}
