import type { PackedBatch } from '../domain/packed-batch.js';
import type { Reject } from '../domain/recipient.js';
import type { ListRow } from './stager.js';
import type { Suppression } from './suppression-ports.js';

type Batch = readonly ListRow[] | PackedBatch;

/**
 * The rows of a list without those that are suppressed, which become rejects. An empty list of suppressed addresses costs
 * one question, and nothing for the rows.
 */
export async function withoutSuppressed(
  batches: AsyncIterable<Batch>,
  list: Suppression,
  topic: string | null,
): Promise<AsyncIterable<Batch>> {
  return (await list.standing()).entries === 0 ? batches : filtered(batches, list, topic);
}

/** While Redis looks through a batch, the next one is read. */
async function* filtered(
  batches: AsyncIterable<Batch>,
  list: Suppression,
  topic: string | null,
): AsyncGenerator<Batch, void, undefined> {
  let before: Promise<Batch> | null = null;
  for await (const batch of batches) {
    const now: Promise<Batch> = 'ends' in batch ? fromPacked(batch, list, topic) : fromRows(batch, list, topic);
    // Thrown when its turn comes; whoever leaves before that does so for another reason.
    now.catch(() => undefined);
    if (before) yield await before;
    before = now;
  }
  if (before) yield await before;
}

async function fromRows(
  rows: readonly ListRow[],
  list: Suppression,
  topic: string | null,
): Promise<readonly ListRow[]> {
  const sendable = rows.flatMap((row) => (row.kind === 'recipient' ? row.recipient : []));
  const found = await list.check(
    sendable.map(({ address }) => address),
    topic,
  );
  const suppressed = new Set(found.map((at) => sendable[at]));
  return rows.map((row): ListRow => {
    if (row.kind === 'reject' || !suppressed.has(row.recipient)) return row;
    return { kind: 'reject', reject: refuse(row.recipient.line, row.recipient.address) };
  });
}

/** Takes what it needs of the batch at once: its bytes are good until the next one is asked for. */
async function fromPacked(batch: PackedBatch, list: Suppression, topic: string | null): Promise<PackedBatch> {
  const { rejects } = batch;
  const [bytes, ends] = [Buffer.from(batch.bytes), Uint32Array.from(batch.ends)];
  const found = await list.check(addressesIn(bytes, ends), topic);
  if (found.length === 0) return { rejects, bytes, ends };
  const suppressed = new Set(found);
  const more: Reject[] = [];
  const pieces: Buffer[] = [];
  const kept: number[] = [];
  let size = 0;
  for (let i = 0; i < ends.length; i++) {
    const piece = bytes.subarray(ends[i - 1] ?? 0, ends[i]);
    if (suppressed.has(i)) {
      const [line, address]: [number, string] = JSON.parse(piece.toString('utf8', 1));
      more.push(refuse(line, address));
      continue;
    }
    pieces.push(piece);
    size += piece.length;
    kept.push(size);
  }
  const inOrder = [...rejects, ...more].sort((a, b) => a.line - b.line);
  return { rejects: inOrder, bytes: Buffer.concat(pieces), ends: Uint32Array.from(kept) };
}

const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The addresses of packed recipients, each the first text of `,[line,"address",…]`. */
function addressesIn(bytes: Buffer, ends: Uint32Array): string[] {
  const addresses: string[] = [];
  let start = 0;
  for (const end of ends) {
    const from = bytes.indexOf(COMMA, start + 2) + 2;
    let to = from;
    while (bytes[to] !== QUOTE) to += bytes[to] === BACKSLASH ? 2 : 1;
    const text = bytes.toString('utf8', from, to);
    addresses.push(text.includes('\\') ? JSON.parse(`"${text}"`) : text);
    start = end;
  }
  return addresses;
}

function refuse(line: number, address: string): Reject {
  return { line, address, reason: 'suppressed', detail: 'The address is on the suppression list.' };
}
