import { keyOf } from '../../domain/address-key.js';
import {
  SUPPRESSION_HASH_BYTES as HASH,
  SUPPRESSION_REASONS,
  type SuppressionItem,
  writeSuppressionHash,
} from '../../domain/suppression.js';
import type { NewItem } from '../../pipeline/suppression-ports.js';

/** An address on the list, as Redis holds it. */
export interface SuppressionEntry {
  readonly hash: Buffer;
  readonly items: readonly SuppressionItem[];
}

/** See shared.lua. */
const ITEM = 4;
const TOPICS = 4_096;

export function packHashes(secret: string, addresses: readonly string[]): Buffer {
  const packed = Buffer.allocUnsafe(addresses.length * HASH);
  addresses.forEach((address, i) => void writeSuppressionHash(secret, keyOf(address), packed, i * HASH));
  return packed;
}

export function packNew(items: readonly NewItem[]): Buffer {
  const packed = Buffer.allocUnsafe(items.length * (HASH + 3));
  items.forEach(({ hash, why, day = 0 }, i) => {
    const at = i * (HASH + 3);
    hash.copy(packed, at, 0, HASH);
    packed[at + HASH] = SUPPRESSION_REASONS.indexOf(why);
    packed.writeUInt16BE(day, at + HASH + 1);
  });
  return packed;
}

/** The bucket and the field of a hash. */
export function placeOf(hash: Buffer): { readonly bucket: number; readonly field: Buffer } {
  return { bucket: hash.readUIntBE(0, 3) >>> 5, field: hash.subarray(2, HASH) };
}

/** What a value says; `names` are the topics by number. Unknown numbers are those of a topic or reason of a newer version. */
export function unpackItems(value: Buffer, names: ReadonlyMap<number, string>): SuppressionItem[] {
  const items: SuppressionItem[] = [];
  for (let at = 0; at + ITEM <= value.length; at += ITEM) {
    const head = value.readUInt16BE(at);
    const number = head % TOPICS;
    const why = SUPPRESSION_REASONS[Math.floor(head / TOPICS)] ?? 'manual';
    items.push({
      topic: number === 0 ? null : (names.get(number) ?? `topic-${number}`),
      why,
      day: value.readUInt16BE(at + 2),
    });
  }
  return items;
}

/** What page.lua returns. */
export function unpackPage(packed: Buffer, names: ReadonlyMap<number, string>): SuppressionEntry[] {
  const entries: SuppressionEntry[] = [];
  for (let at = 0; at < packed.length; ) {
    const length = packed.readUInt16BE(at + HASH);
    const start = at + HASH + 2;
    const hash = Buffer.from(packed.subarray(at, at + HASH));
    entries.push({ hash, items: unpackItems(packed.subarray(start, start + length), names) });
    at = start + length;
  }
  return entries;
}
