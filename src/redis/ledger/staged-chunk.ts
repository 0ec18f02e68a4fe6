import type { StagedChunk } from '../../pipeline/staging-ports.js';
import { RecipientPacker } from '../chunk-codec.js';

/** A chunk that is packed as it is filled; `put` gets it whole. */
export function stagedChunk(
  columns: readonly string[],
  put: (rows: Buffer, size: number) => Promise<void>,
): StagedChunk {
  const packer = new RecipientPacker(columns);
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(recipients) {
      size += recipients.length;
      packer.add(recipients);
    },
    addPacked(bytes, count) {
      size += count;
      packer.addPacked(bytes);
    },
    async write() {
      const rows = packer.pack();
      await put(rows, size);
      return rows.length;
    },
  };
}
