import type { EncodedContents } from '../domain/attached-file.js';
import type { Recipient } from '../domain/recipient.js';
import type { Plan } from './plan.js';

/** A recipient as its message is composed. */
export interface WithFiles {
  readonly recipient: Recipient;
  /** Of its own files. */
  readonly contents: EncodedContents;
}

/** Reads the files that this recipient gets and others don't. Throws ATTACHMENT_INVALID. */
export async function withFiles(
  recipient: Recipient,
  { recipientFiles }: Pick<Plan, 'recipientFiles'>,
): Promise<WithFiles> {
  if (!recipientFiles) return { recipient, contents: new Map() };
  const { files, contents } = await recipientFiles.of(recipient);
  return { recipient: { ...recipient, files }, contents };
}
