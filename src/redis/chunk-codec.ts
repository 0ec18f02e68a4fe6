import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { AttachedFile } from '../domain/attached-file.js';
import { FORMAT } from '../domain/campaign.js';
import type { Recipient, Value, Variables } from '../domain/recipient.js';

/**
 * At once: a chunk takes a fraction of a millisecond. Node's other threads cost three times that, and this one as much as
 * it takes here.
 * Quality 2 makes 1% more of a chunk than 4 and takes half the time. The window holds a chunk of 500 recipients twice: a
 * larger one is memory to be cleared each time.
 */
const SETTINGS = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 2, [constants.BROTLI_PARAM_LGWIN]: 16 },
};
/** A chunk is a few hundred kilobytes; what unpacks to more was not written by fanmail. */
const MAX_UNPACKED = 512 * 1024 * 1024;

type Row = [line: number, address: string, ...(Value | PackedFile[])[]];
type PackedFile = [name: string, type: string, bytes: number, digest: string];

/**
 * Makes one compressed value of recipients: variable names once, then a row each. They become bytes as they come, since
 * objects that wait for a chunk to be full outlive V8's young generation and pile up until it cleans the old one.
 */
export class RecipientPacker {
  readonly #columns: readonly string[];
  readonly #pieces: Buffer[];

  /** Keeps these variables and no others. */
  constructor(columns: readonly string[]) {
    this.#columns = columns;
    this.#pieces = [Buffer.from(`{"v":${FORMAT},"columns":${JSON.stringify(columns)},"rows":[`)];
  }

  add(recipients: readonly Recipient[]): void {
    if (recipients.length === 0) return;
    const rows = recipients.map(({ line, address, variables, files }) => {
      const row: unknown[] = [line, address];
      for (const name of this.#columns) row.push(variables[name]);
      // Behind the values; most have none.
      if (files) row.push(files.map(({ name, type, bytes, digest }) => [name, type, bytes, digest]));
      return row;
    });
    this.addPacked(Buffer.from(`,${JSON.stringify(rows).slice(1, -1)}`));
  }

  /** Recipients as `PackedBatch` has them. */
  addPacked(bytes: Buffer): void {
    if (bytes.length === 0) return;
    // No comma stands before the first one.
    this.#pieces.push(Buffer.from(bytes.subarray(this.#pieces.length === 1 ? 1 : 0)));
  }

  pack(): Buffer {
    return brotliCompressSync(Buffer.concat([...this.#pieces, Buffer.from(']}')]), SETTINGS);
  }
}

/** The reverse; null where the value is not what this format's packer made. */
export function unpackRecipients(packed: Buffer): readonly Recipient[] | null {
  try {
    const { v, columns, rows } = JSON.parse(unpacked(packed)) as { v: number; columns: string[]; rows: Row[] };
    return v === FORMAT ? rows.map((row) => new Unpacked(row, columns)) : null;
  } catch {
    return null;
  }
}

function unpacked(packed: Buffer): string {
  return brotliDecompressSync(packed, { maxOutputLength: MAX_UNPACKED }).toString('utf8');
}

/**
 * A recipient whose variables are made whenever they are asked for, which is about once: made for a whole chunk at a time, they
 * would outlive V8's young generation.
 */
class Unpacked implements Recipient {
  readonly line: number;
  readonly address: string;
  readonly files?: readonly AttachedFile[];
  readonly #row: Row;
  readonly #columns: readonly string[];

  constructor(row: Row, columns: readonly string[]) {
    this.line = row[0];
    this.address = row[1];
    const files = row[columns.length + 2] as PackedFile[] | undefined;
    if (files) this.files = files.map(unpackFile);
    this.#row = row;
    this.#columns = columns;
  }

  get variables(): Variables {
    const variables: Record<string, Value> = Object.create(null);
    this.#columns.forEach((column, i) => {
      const value = this.#row[i + 2];
      if (value !== undefined) variables[column] = value as Value;
    });
    return variables;
  }
}

function unpackFile([name, type, bytes, digest]: PackedFile): AttachedFile {
  return { name, type, bytes, digest, cid: null };
}

export function packAddresses(addresses: readonly string[]): Buffer {
  return brotliCompressSync(addresses.join('\n'), SETTINGS);
}

/** Null where that is no such value. */
export function unpackAddresses(packed: Buffer): readonly string[] | null {
  try {
    return unpacked(packed).split('\n');
  } catch {
    return null;
  }
}
