import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import type { AttachedFile } from '../domain/attached-file.js';
import { FORMAT } from '../domain/campaign.js';
import type { Recipient, Value, Variables } from '../domain/recipient.js';

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);
/**
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

  pack(): Promise<Buffer> {
    return compress(Buffer.concat([...this.#pieces, Buffer.from(']}')]), SETTINGS);
  }
}

/** The reverse. Throws where the value is not what this format's packer made. */
export async function unpackRecipients(packed: Buffer): Promise<readonly Recipient[]> {
  const text = (await decompress(packed, { maxOutputLength: MAX_UNPACKED })).toString('utf8');
  const { v, columns, rows } = JSON.parse(text) as {
    v: number;
    columns: string[];
    rows: Row[];
  };
  if (v !== FORMAT) throw new TypeError(`a chunk of format ${v}, where ${FORMAT} is known`);
  return rows.map((row) => new Unpacked(row, columns));
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

export async function packAddresses(addresses: readonly string[]): Promise<Buffer> {
  return compress(addresses.join('\n'), SETTINGS);
}

export async function unpackAddresses(packed: Buffer): Promise<readonly string[]> {
  return (await decompress(packed, { maxOutputLength: MAX_UNPACKED })).toString('utf8').split('\n');
}
