import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Fault, Stage } from './scenario.js';

/** What the relay writes down about one try at one recipient, before it answers: a line of `relay.ndjson`. */
export interface RecordLine {
  /** The recipient of the envelope. */
  readonly to: string;
  readonly did: 'accepted' | 'refused' | 'dropped';
  readonly stage: Stage;
  /** What it answered; null where the connection broke instead. */
  readonly reply: string | null;
  /** Of a message that was taken, also of one whose connection broke then; else null. */
  readonly messageId: string | null;
  /** The rule behind it; null: none. */
  readonly fault: Fault | null;
  /** Milliseconds that the answer was kept back. */
  readonly delayMs: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The relay's own books. A line is with the operating system before the answer leaves: no death of a process takes it back. */
export class RecordWriter {
  readonly #file: number;

  /** Makes the file, which only its owner may read. Throws where it exists. */
  constructor(path: string) {
    this.#file = openSync(path, 'wx', 0o600);
  }

  write(line: Omit<RecordLine, 'at'>): void {
    writeSync(this.#file, `${JSON.stringify({ ...line, at: Date.now() })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The lines in their order. Rejects where one is not whole: then the books can't be trusted. */
export async function* readRecord(path: string): AsyncIterable<RecordLine> {
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    const line: unknown = parsed(text);
    if (!isRecordLine(line)) throw new Error(`line ${number} of ${path} is no line of the relay's record`);
    yield line;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isRecordLine(value: unknown): value is RecordLine {
  if (typeof value !== 'object' || value === null) return false;
  return 'to' in value && typeof value.to === 'string' && 'did' in value && 'messageId' in value;
}
