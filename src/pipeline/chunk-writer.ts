import { encodedBytes } from '../domain/attached-file.js';
import type { CampaignOptions } from '../domain/campaign.js';
import { chunkSize } from '../domain/chunk-size.js';
import type { PackedBatch } from '../domain/packed-batch.js';
import type { Recipient } from '../domain/recipient.js';
import type { StagedChunk, StagingStore } from './staging-ports.js';

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

/** A worker has the files of a whole chunk in its memory: where recipients have large ones, chunks are smaller. */
const FILES_BYTES = 32 * 1024 * 1024;

/** Fills chunk after chunk, and writes each when it is full. What a write fails with is thrown later on, at the end at the latest. */
export class ChunkWriter {
  readonly #options: ChunkWriterOptions;
  readonly #writes = new Set<Promise<void>>();
  #chunk: StagedChunk;
  #failure: unknown;
  /** Digests of the files that recipients of this chunk have, and the bytes that they take. */
  readonly #files = new Set<string>();
  #filesBytes = 0;
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
      const fit = this.#fitting(taken);
      if (fit > 0) this.#chunk.add(taken.slice(0, fit));
      from += fit;
      await this.#added(fit, fit < taken.length);
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

  /** How many of them this chunk takes, by their files; at least one, if it is empty. */
  #fitting(recipients: readonly Recipient[]): number {
    for (const [n, { files = [] }] of recipients.entries()) {
      const more = files.filter(({ digest }) => !this.#files.has(digest));
      const bytes = more.reduce((sum, file) => sum + encodedBytes(file), 0);
      if (this.#filesBytes + bytes > FILES_BYTES && this.#chunk.size + n > 0) return n;
      for (const { digest } of more) this.#files.add(digest);
      this.#filesBytes += bytes;
    }
    return recipients.length;
  }

  /** `isFull`: it takes no more, whatever their number. */
  async #added(count: number, isFull = false): Promise<void> {
    this.#total += count;
    if (this.#room() > 0 && !isFull) return;
    this.#write();
    this.#files.clear();
    this.#filesBytes = 0;
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
