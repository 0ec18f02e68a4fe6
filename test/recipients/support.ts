import { Readable } from 'node:stream';
import { FanmailError } from '../../src/domain/errors.js';
import type { Recipient, Reject } from '../../src/domain/recipient.js';
import { type ListOptions, openList, type RecipientList } from '../../src/recipients/list.js';
import type { ListInput } from '../../src/recipients/text.js';

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
  input: Buffer | string | ListInput,
  options: Partial<ListOptions> & { readonly sizes?: readonly number[]; readonly needs?: readonly string[] } = {},
): Promise<ReadList> {
  const { sizes, needs, ...rest } = options;
  const bytes = typeof input === 'string' || Buffer.isBuffer(input) ? pieces(input, sizes) : input;
  const list = await openList(bytes, { source: 'people.csv', ...rest });
  const recipients: Recipient[] = [];
  const rejects: Reject[] = [];
  for await (const rows of list.batches(needs)) {
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

/** The same as a file is opened: anew each time. */
export function fileOf(bytes: Buffer | string, sizes?: readonly number[]): () => Readable {
  return () => Readable.from(pieces(bytes, sizes));
}

/** A text in UTF-16, big-endian, without a mark. */
export function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

const C1 = '€.‚ƒ„…†‡ˆ‰Š‹Œ.Ž..‘’“”•–—˜™š›œ.žŸ';

/** A text in Windows-1252; throws where it has another character. */
export function windows1252(text: string): Buffer {
  const bytes = [...text].map((char) => {
    const at = char === '.' ? -1 : C1.indexOf(char);
    const code = at === -1 ? char.charCodeAt(0) : 0x80 + at;
    if (code > 0xff || char.length > 1) throw new RangeError(`${char} is not in Windows-1252`);
    return code;
  });
  return Buffer.from(bytes);
}

/** What the list packs, as a chunk would unpack it, or the message of its refusal. */
export async function packed(
  bytes: Buffer,
  sizes: readonly number[],
  needs: readonly string[],
  options: Partial<ListOptions>,
  { file = false, open = openList } = {},
) {
  const rejects: Reject[] = [];
  const rows: unknown[][] = [];
  let digest = '';
  try {
    const input = file ? fileOf(bytes, sizes) : pieces(bytes, sizes);
    const list = await open(input, { source: 'people.csv', ...options });
    const batches = list.packed(needs);
    if (batches === null) return null;
    for await (const batch of batches) {
      rejects.push(...batch.rejects);
      let start = 0;
      for (const end of batch.ends) {
        // Each begins with a comma.
        rows.push(JSON.parse(batch.bytes.toString('utf8', start, end).replace(/^,/, '')));
        start = end;
      }
      if (start !== batch.bytes.length) throw new Error('there are bytes of no recipient');
    }
    digest = list.digest();
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
  return { rows, rejects, digest };
}
