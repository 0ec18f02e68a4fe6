import type { EncodedContents } from '../domain/attached-file.js';
import type { CampaignOptions, StagedTotals } from '../domain/campaign.js';
import { FanmailError } from '../domain/errors.js';
import type { PackedBatch } from '../domain/packed-batch.js';
import type { Recipient, Reject } from '../domain/recipient.js';
import { spanFrom } from '../domain/span.js';
import { ChunkWriter } from './chunk-writer.js';
import { FileWriter } from './file-writer.js';
import type { TemplateText } from './ports.js';
import type { RecipientFiles, StagingStore } from './staging-ports.js';

export type ListRow =
  | { readonly kind: 'recipient'; readonly recipient: Recipient }
  | { readonly kind: 'reject'; readonly reject: Reject };

export interface StageInput {
  readonly id: string;
  readonly nonce: string;
  readonly salt: string;
  readonly options: CampaignOptions;
  readonly template: TemplateText;
  /** Of the template's files. */
  readonly contents: EncodedContents;
  /** Of recipients that don't come packed; null: nobody has any of their own. */
  readonly files: RecipientFiles | null;
  /** The variables that the template uses: the only ones that are kept. */
  readonly needs: readonly string[];
  readonly batches: AsyncIterable<readonly ListRow[] | PackedBatch>;
  /** SHA-256 of the list, asked for when it has been read. */
  readonly listDigest: () => string;
  readonly chunkSize: number | null;
  readonly reject: (rejects: readonly Reject[]) => Promise<void>;
  /** A further check of each recipient that doesn't come packed; throws to refuse the launch. Null: none is needed. */
  readonly check: ((recipient: Recipient) => void) | null;
  /** Asked when all is staged and nothing is sealed; throws to give up. */
  readonly confirm: (staged: Staged) => Promise<void>;
  readonly store: StagingStore;
}

export interface Staged {
  readonly totals: StagedTotals;
  /** What the recipients and their files take in Redis. */
  readonly bytes: number;
  readonly first: Recipient;
}

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
    await store.contents(id, nonce, input.contents);
    await store.template(id, nonce, input.template);
    const staged = await writeChunks(input);
    await input.confirm(staged);
    const span = options.schedule ? await spanFrom(options.schedule, Date.now()) : null;
    await store.seal(id, nonce, staged.totals, options, span);
    return staged;
  } catch (error) {
    await store.discard(id, nonce).catch(() => undefined);
    throw error;
  } finally {
    clearInterval(beat);
  }
}

async function writeChunks(input: StageInput): Promise<Staged> {
  const rejects: Record<string, number> = {};
  const chunks = new ChunkWriter(input);
  const files = input.files && new FileWriter({ ...input, files: input.files });
  let first: Recipient | null = null;
  let rows = 0;
  for await (const batch of input.batches) {
    const refused = 'ends' in batch ? batch.rejects : batch.flatMap((row) => (row.kind === 'reject' ? row.reject : []));
    for (const { reason } of refused) rejects[reason] = (rejects[reason] ?? 0) + 1;
    if ('ends' in batch) {
      rows += refused.length + batch.ends.length;
      first ??= firstOf(batch, input.needs);
      await chunks.addPacked(batch);
    } else {
      rows += batch.length;
      const recipients = batch.flatMap((row) => (row.kind === 'recipient' ? row.recipient : []));
      for (const recipient of recipients) {
        requireVariables(recipient, input.needs);
        input.check?.(recipient);
      }
      const attached = files ? await files.attach(recipients) : recipients;
      first ??= attached[0] ?? null;
      await chunks.add(attached);
    }
    await input.reject(refused);
  }
  await files?.end();
  const written = await chunks.end();
  if (!first) throw nothingSendable(rows, rejects);
  const digests = { listDigest: input.listDigest(), templateDigest: input.template.digest };
  return {
    totals: { total: written.total, chunks: written.chunks, rows, rejects, ...digests },
    bytes: written.bytes + (files?.bytes ?? 0),
    first,
  };
}

function firstOf({ bytes, ends }: PackedBatch, needs: readonly string[]): Recipient | null {
  if (ends.length === 0) return null;
  const [line, address, ...values]: [number, string, ...string[]] = JSON.parse(bytes.toString('utf8', 1, ends[0]));
  const variables: Record<string, string> = Object.create(null);
  needs.forEach((name, i) => {
    variables[name] = values[i] ?? '';
  });
  return { line, address, variables };
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
