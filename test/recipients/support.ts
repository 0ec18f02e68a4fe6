import { FanmailError } from '../../src/domain/errors.js';
import type { Recipient, Reject } from '../../src/domain/recipient.js';
import { type ListOptions, openList, type RecipientList } from '../../src/recipients/list.js';

/** The bytes in pieces of the given sizes, which repeat. */
export async function* pieces(bytes: Buffer | string, sizes: readonly number[] = [65_536]): AsyncGenerator<Buffer> {
  const whole = Buffer.from(bytes);
  for (let start = 0, i = 0; start < whole.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield whole.subarray(start, start + size);
    start += size;
  }
}

export interface ReadList {
  readonly list: RecipientList;
  readonly recipients: Recipient[];
  readonly rejects: Reject[];
}

export async function readList(
  bytes: Buffer | string,
  options: Partial<ListOptions> & { readonly sizes?: readonly number[] } = {},
): Promise<ReadList> {
  const { sizes, ...rest } = options;
  const list = await openList(pieces(bytes, sizes), { source: 'people.csv', ...rest });
  const recipients: Recipient[] = [];
  const rejects: Reject[] = [];
  for await (const rows of list.batches()) {
    for (const row of rows) {
      if (row.kind === 'recipient') recipients.push(row.recipient);
      else rejects.push(row.reject);
    }
  }
  return { list, recipients, rejects };
}

/** The FanmailError that the promise is rejected with. */
export async function refusal(promise: Promise<unknown>): Promise<FanmailError> {
  const error = await promise.then(
    () => new Error('nothing was refused'),
    (error: unknown) => error,
  );
  if (error instanceof FanmailError) return error;
  throw error;
}
