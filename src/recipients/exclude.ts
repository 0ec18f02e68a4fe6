import { keysIn, openAddressFile } from './address-file.js';
import { KeySet } from './key-set.js';
import type { ListInput } from './text.js';

/**
 * Reads addresses never to send to, see `keysIn`. A file with anything that is no address is refused as a whole, FanmailError
 * LIST_SYNTAX with the line: half of it would let mail through to people who must not get any. An empty file is an empty list.
 */
export async function readExclude(input: ListInput, source: string): Promise<KeySet> {
  const keys = new KeySet();
  for await (const some of keysIn(await openAddressFile(input, source))) for (const key of some) keys.add(key);
  return keys;
}
