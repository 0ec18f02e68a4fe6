import type { CampaignOptions, StagedTotals } from '../domain/campaign.js';
import { chunkSize } from '../domain/chunk-size.js';
import { FanmailError } from '../domain/errors.js';
import type { Recipient, Reject } from '../domain/recipient.js';
import type { StagingStore, TemplateText } from './ports.js';

export type ListRow =
  | { readonly kind: 'recipient'; readonly recipient: Recipient }
  | { readonly kind: 'reject'; readonly reject: Reject };

export interface StageInput {
  readonly id: string;
  readonly nonce: string;
  readonly salt: string;
  readonly options: CampaignOptions;
  readonly template: TemplateText;
  /** The variables that the template uses: the only ones that are kept. */
  readonly needs: readonly string[];
  readonly batches: AsyncIterable<readonly ListRow[]>;
  /** SHA-256 of the list, asked for when it has been read. */
  readonly listDigest: () => string;
  readonly chunkSize: number | null;
  readonly reject: (rejects: readonly Reject[]) => Promise<void>;
  /** A further check of each recipient; throws to refuse the launch. */
  readonly check: (recipient: Recipient) => void;
  /** Asked when all is staged and nothing is sealed; throws to give up. */
  readonly confirm: (staged: Staged) => Promise<void>;
  readonly store: StagingStore;
}

export interface Staged {
  readonly totals: StagedTotals;
  /** What the recipients take in Redis. */
  readonly bytes: number;
  readonly first: Recipient;
}

/** Chunks that are packed and written while the list is read on. */
const WRITES_AT_A_TIME = 4;
const HEARD_EVERY_MS = 10_000;

/**
 * Stages a list: reads it once, keeps what is sendable in chunks, and seals. Nothing is sent before the seal, so every
 * fault of list or template is known before the first message leaves; a staging that fails is discarded.
 */
export async function stage(input: StageInput): Promise<Staged> {
  const { id, nonce, store, options } = input;
  if ((await store.open(id, nonce, input.salt, options)) === 'exists') {
    throw new FanmailError('CAMPAIGN_EXISTS', `a campaign with the id ${id} exists already`, {
      hint: `fanmail attach ${id} follows it; give another --id to send again`,
    });
  }
  // The seal finds out what a missed beat means; a beat alone decides nothing.
  const beat = setInterval(() => store.heard(id, nonce).catch(() => undefined), HEARD_EVERY_MS);
  try {
    await store.template(id, nonce, input.template);
    const staged = await writeChunks(input);
    await input.confirm(staged);
    await store.seal(id, nonce, staged.totals, options);
    return staged;
  } catch (error) {
    await store.discard(id, nonce).catch(() => undefined);
    throw error;
  } finally {
    clearInterval(beat);
  }
}

async function writeChunks(input: StageInput): Promise<Staged> {
  const { id, nonce, store, options, needs } = input;
  const rejects: Record<string, number> = {};
  const writes = new Set<Promise<void>>();
  let failure: unknown;
  let chunk = store.chunk(id, nonce, 0, needs, options);
  let first: Recipient | null = null;
  let [rows, total, chunks, bytes] = [0, 0, 0, 0];

  async function write(): Promise<void> {
    const writing: Promise<void> = chunk
      .write()
      .then((size) => {
        bytes += size;
      })
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => writes.delete(writing));
    writes.add(writing);
    chunk = store.chunk(id, nonce, ++chunks, needs, options);
    if (writes.size >= WRITES_AT_A_TIME) await Promise.race(writes);
    if (failure) throw failure;
  }

  for await (const batch of input.batches) {
    rows += batch.length;
    const refused: Reject[] = [];
    let taken: Recipient[] = [];
    for (const row of batch) {
      if (row.kind === 'reject') {
        rejects[row.reject.reason] = (rejects[row.reject.reason] ?? 0) + 1;
        refused.push(row.reject);
        continue;
      }
      const { recipient } = row;
      requireVariables(recipient, needs);
      input.check(recipient);
      first ??= recipient;
      total += 1;
      taken.push(recipient);
      if (chunk.size + taken.length < chunkSize(chunks, input.chunkSize)) continue;
      chunk.add(taken);
      taken = [];
      await write();
    }
    chunk.add(taken);
    await input.reject(refused);
  }
  if (chunk.size > 0) await write();
  await Promise.all(writes);
  if (failure) throw failure;
  if (!first) throw nothingSendable(rows, rejects);
  const digests = { listDigest: input.listDigest(), templateDigest: input.template.digest };
  return { totals: { total, chunks, rows, rejects, ...digests }, bytes, first };
}

/** Refuses a row that lacks what the template uses; an empty cell is no fault. */
export function requireVariables({ line, address, variables }: Recipient, needs: readonly string[]): void {
  for (const name of needs) {
    if (variables[name] !== undefined) continue;
    throw new FanmailError(
      'TEMPLATE_ROW_LACKS_VARIABLE',
      `line ${line} (${address}) has no "${name}", which the template uses`,
      { hint: 'give every row that field (it may be empty), or take the variable out of the template' },
    );
  }
}

function nothingSendable(rows: number, rejects: Readonly<Record<string, number>>): FanmailError {
  const reasons = Object.entries(rejects).map(([reason, count]) => `${reason}: ${count}`);
  const detail = reasons.length > 0 ? ` (${reasons.join(', ')})` : '';
  return new FanmailError('LIST_NOTHING_SENDABLE', `none of the list's ${rows} rows can be sent${detail}`, {
    hint: 'see the rejects file for each row and its reason',
  });
}
