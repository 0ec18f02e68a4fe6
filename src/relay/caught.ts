import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is kept about a caught message beside its bytes: a line of `index.ndjson`. */
export interface CaughtEntry {
  /** Counts from 1, also over restarts; the file is `<number>.eml`, at least six digits. */
  readonly number: number;
  readonly from: string;
  readonly to: readonly string[];
  readonly helo: string;
  /** Bytes. */
  readonly size: number;
  /** ISO 8601. */
  readonly at: string;
}

/**
 * Caught messages in a folder: their exact bytes as `.eml` files, and an index. A file is written before the message is
 * answered; the lines of the index follow at the end of the event loop's turn, together.
 */
export class CaughtMessages {
  readonly #dir: string;
  readonly #keep: number;
  #entries: CaughtEntry[] = [];
  #next = 1;
  #index: number;
  #lines = '';

  /** Opens the folder, or makes it (mode 0700: mail is private). `keep`: messages at most; the oldest go first. */
  constructor(dir: string, keep: number) {
    this.#dir = dir;
    this.#keep = keep;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const path = this.#path();
    if (existsSync(path)) this.#entries = readEntries(readFileSync(path, 'utf8'));
    this.#next = (this.#entries.at(-1)?.number ?? 0) + 1;
    this.#index = openSync(path, 'a', 0o600);
  }

  get count(): number {
    return this.#entries.length;
  }

  add(content: Buffer, envelope: Pick<CaughtEntry, 'from' | 'to' | 'helo'>): CaughtEntry {
    const entry = { number: this.#next++, ...envelope, size: content.length, at: new Date().toISOString() };
    writeFileSync(this.#file(entry.number), content, { mode: 0o600 });
    this.#entries.push(entry);
    if (this.#lines === '') setImmediate(() => this.flush());
    this.#lines += `${JSON.stringify(entry)}\n`;
    if (this.#entries.length > this.#keep * 1.1 + 10) this.#forget(this.#entries.length - this.#keep);
    return entry;
  }

  /** Up to `limit` entries from the newest on, after leaving out `start` of them. */
  newest(start: number, limit: number): readonly CaughtEntry[] {
    const end = Math.max(0, this.#entries.length - start);
    return this.#entries.slice(Math.max(0, end - limit), end).reverse();
  }

  find(number: number): CaughtEntry | undefined {
    const first = this.#entries[0]?.number ?? 0;
    return this.#entries[number - first];
  }

  /** The exact bytes, or null where they are gone. */
  content(entry: CaughtEntry): Promise<Buffer | null> {
    return readFile(this.#file(entry.number)).catch(() => null);
  }

  clear(): void {
    this.#forget(this.#entries.length);
  }

  flush(): void {
    if (this.#lines !== '') writeSync(this.#index, this.#lines);
    this.#lines = '';
  }

  close(): void {
    this.flush();
    closeSync(this.#index);
  }

  #forget(count: number): void {
    for (const { number } of this.#entries.splice(0, count)) rmSync(this.#file(number), { force: true });
    closeSync(this.#index);
    this.#lines = '';
    writeFileSync(this.#path(), this.#entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''), { mode: 0o600 });
    this.#index = openSync(this.#path(), 'a', 0o600);
  }

  #path(): string {
    return join(this.#dir, 'index.ndjson');
  }

  #file(number: number): string {
    return join(this.#dir, `${String(number).padStart(6, '0')}.eml`);
  }
}

/** Lines that a crash cut off are left out. */
function readEntries(text: string): CaughtEntry[] {
  const entries: CaughtEntry[] = [];
  for (const line of text.split('\n')) {
    try {
      if (line !== '') entries.push(JSON.parse(line) as CaughtEntry);
    } catch {}
  }
  return entries;
}
