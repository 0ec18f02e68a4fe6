import type { CampaignOptions } from '../domain/campaign.js';
import { chunkSize } from '../domain/chunk-size.js';
import type { PackedBatch } from '../domain/packed-batch.js';
import type { Recipient } from '../domain/recipient.js';
import type { StagedChunk, StagingStore } from './ports.js';

export interface ChunkWriterOptions {
  readonly id: string;
  readonly nonce: string;
  readonly options: CampaignOptions;
  /** The variables that are kept. */
  readonly needs: readonly string[];
  /** Recipients in a chunk; null: as many as suit a list of that length. */
  readonly chunkSize: number | null;
  readonly store: StagingStore;
}

/** Chunks that are packed and written while the list is read on. */
const WRITES_AT_A_TIME = 4;

/** Fills chunk after chunk, and writes each when it is full. What a write fails with is thrown later on, at the end at the latest. */
export class ChunkWriter {
  readonly #options: ChunkWriterOptions;
  readonly #writes = new Set<Promise<void>>();
  #chunk: StagedChunk;
  #failure: unknown;
  /** Recipients, chunks that were begun to be written, and the bytes that they take in Redis. */
  #total = 0;
  #chunks = 0;
  #bytes = 0;

  constructor(options: ChunkWriterOptions) {
    this.#options = options;
    this.#chunk = this.#open();
  }

  async add(recipients: readonly Recipient[]): Promise<void> {
    for (let from = 0; from < recipients.length; ) {
      const taken = recipients.slice(from, from + this.#room());
      this.#chunk.add(taken);
      from += taken.length;
      await this.#added(taken.length);
    }
  }

  async addPacked({ bytes, ends }: PackedBatch): Promise<void> {
    let start = 0;
    for (let from = 0; from < ends.length; ) {
      const count = Math.min(this.#room(), ends.length - from);
      from += count;
      const end = ends[from - 1] ?? start;
      this.#chunk.addPacked(bytes.subarray(start, end), count);
      start = end;
      await this.#added(count);
    }
  }

  /** Writes what is left, and resolves when all is written. */
  async end(): Promise<{ readonly total: number; readonly chunks: number; readonly bytes: number }> {
    if (this.#chunk.size > 0) this.#write();
    await Promise.all(this.#writes);
    if (this.#failure) throw this.#failure;
    return { total: this.#total, chunks: this.#chunks, bytes: this.#bytes };
  }

  #open(): StagedChunk {
    const { id, nonce, needs, options, store } = this.#options;
    return store.chunk(id, nonce, { number: this.#chunks, first: this.#total }, needs, options);
  }

  #room(): number {
    return chunkSize(this.#chunks, this.#options.chunkSize) - this.#chunk.size;
  }

  async #added(count: number): Promise<void> {
    this.#total += count;
    if (this.#room() > 0) return;
    this.#write();
    this.#chunk = this.#open();
    if (this.#writes.size >= WRITES_AT_A_TIME) await Promise.race(this.#writes);
    if (this.#failure) throw this.#failure;
  }

  #write(): void {
    const writing: Promise<void> = this.#chunk
      .write()
      .then((size) => {
        this.#bytes += size;
      })
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#writes.delete(writing));
    this.#writes.add(writing);
    this.#chunks++;
  }
}
