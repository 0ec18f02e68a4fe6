import { FanmailError } from '../domain/errors.js';
import type { Recipient } from '../domain/recipient.js';
import type { RecipientFiles, StagingStore } from './staging-ports.js';

export interface FileWriterOptions {
  readonly id: string;
  readonly nonce: string;
  readonly files: RecipientFiles;
  readonly store: StagingStore;
}

/** Contents that are written together. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** Reads the files of recipients, and writes the content of each once, whoever has it. */
export class FileWriter {
  readonly #options: FileWriterOptions;
  readonly #known = new Set<string>();
  readonly #waiting = new Map<string, Buffer>();
  #waitingBytes = 0;
  #bytes = 0;
  #room: number | null = null;

  constructor(options: FileWriterOptions) {
    this.#options = options;
  }

  /** Bytes of all contents so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The same recipients, with their files. Throws ATTACHMENT_INVALID. */
  async attach(recipients: readonly Recipient[]): Promise<Recipient[]> {
    const attached: Recipient[] = [];
    for (const recipient of recipients) {
      const { files, contents } = await this.#options.files.of(recipient);
      for (const [digest, content] of contents) await this.#take(digest, content, recipient);
      attached.push({ ...recipient, files });
    }
    return attached;
  }

  /** Writes what is left. */
  async end(): Promise<void> {
    const { id, nonce, store } = this.#options;
    await store.contents(id, nonce, this.#waiting);
    this.#waiting.clear();
    this.#waitingBytes = 0;
  }

  async #take(digest: string, content: Buffer, recipient: Recipient): Promise<void> {
    if (this.#known.has(digest)) return;
    this.#room ??= await this.#options.store.room();
    this.#bytes += content.length;
    if (this.#bytes > this.#room) throw noRoom(recipient, this.#room);
    this.#known.add(digest);
    this.#waiting.set(digest, content);
    this.#waitingBytes += content.length;
    if (this.#waitingBytes >= BATCH_BYTES) await this.end();
  }
}

function noRoom({ line }: Recipient, room: number): FanmailError {
  const megabytes = Math.floor(room / 1e6);
  return new FanmailError(
    'ATTACHMENT_INVALID',
    `the recipients' files take more memory than Redis has for them, ${megabytes} MB: those up to line ${line} do`,
    { hint: 'Launch parts of the list one after the other, give Redis more memory, or link to the files instead.' },
  );
}
