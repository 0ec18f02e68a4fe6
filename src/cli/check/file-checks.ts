import { FanmailError } from '../../domain/errors.js';
import type { Recipient } from '../../domain/recipient.js';
import type { RecipientFiles } from '../../pipeline/staging-ports.js';
import { type WithFiles, withFiles } from '../with-files.js';
import type { Finding } from './finding.js';
import { Tally } from './tally.js';

/** Whether each recipient's own files are there, and may be sent. */
export class FileChecks {
  readonly #recipientFiles: RecipientFiles | null;
  readonly #wrong = new Tally();
  #hint: string | undefined;

  constructor(recipientFiles: RecipientFiles | null) {
    this.#recipientFiles = recipientFiles;
  }

  /** The recipient with its files; null where something is wrong with them. */
  async recipient(recipient: Recipient): Promise<WithFiles | null> {
    try {
      return await withFiles(recipient, { recipientFiles: this.#recipientFiles });
    } catch (error) {
      if (!(error instanceof FanmailError)) throw error;
      this.#hint ??= error.hint;
      const { line, address } = recipient;
      // The line stands before each sample already.
      this.#wrong.add(line, error.message.replace(`line ${line} (${address})`, address));
      return null;
    }
  }

  findings(): Finding[] {
    if (this.#wrong.rows === 0) return [];
    const message = `${this.#wrong.said} whose own file can't be attached`;
    const about = { message, hint: this.#hint ?? null, ...this.#wrong.about };
    return [{ severity: 'refusal', code: 'ATTACHMENT_INVALID', ...about }];
  }
}
