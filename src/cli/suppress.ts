import type { Settings } from '../config/settings.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { parseAddress } from '../recipients/address.js';
import type { SuppressionStore } from '../redis/suppression/store.js';
import { openContext } from './context.js';
import type { Session } from './session.js';
import { exportList } from './suppress/export-list.js';
import { importList } from './suppress/import-list.js';
import { unsubscribe } from './suppress/unsubscribe.js';
import { changedText, foundLine, itemObject, stillText } from './view/suppress.js';

type SuppressSettings = Settings<'suppress'>;
type What = SuppressSettings['what'];

/** What each takes beside --topic. */
const TAKES: Readonly<Record<What, readonly ('why' | 'out')[]>> = {
  add: ['why'],
  remove: [],
  import: ['why'],
  export: ['out'],
  check: [],
  unsubscribe: [],
};

const TAKES_ADDRESSES: readonly What[] = ['add', 'remove', 'check'];

/** `fanmail suppress add|remove|import|export|check|unsubscribe`: the list of addresses never to send to. */
export async function suppress(settings: SuppressSettings, session: Session): Promise<number> {
  refuseMisfits(settings);
  const { what } = settings;
  // Before anything changes: a word that is no address is refused with all others.
  const addresses = TAKES_ADDRESSES.includes(what) ? (settings.who ?? []).map(requireAddress) : [];
  const { backend } = await openContext(settings, session, 'suppress');
  const list = backend.suppression;
  try {
    switch (what) {
      case 'add':
      case 'remove':
        return await change(what, addresses, list, settings, session);
      case 'check':
        return await check(addresses, list, settings, session);
      case 'import':
        return await importList(list, settings, session);
      case 'export':
        return await exportList(list, settings, session);
      case 'unsubscribe':
        return await unsubscribe(list, settings, session);
      default:
        return what satisfies never;
    }
  } finally {
    await backend.close();
  }
}

function refuseMisfits({ what, who, why, out, json, topic }: SuppressSettings): void {
  const usage = (message: string, hint: string) => new FanmailError('USAGE', message, { hint });
  const words = who?.length ?? 0;
  if (what === 'export' && words > 0)
    throw usage('fanmail suppress export takes no addresses', '--out names the file; --topic takes a part of the list');
  if (what === 'import' && words !== 1)
    throw usage('fanmail suppress import takes one file', 'fanmail suppress import never.csv, or - for standard input');
  if (what !== 'export' && what !== 'unsubscribe' && words === 0)
    throw usage(`fanmail suppress ${what} needs an address`, `fanmail suppress ${what} ada@example.com`);
  if (what === 'unsubscribe' && words !== 1)
    throw usage(
      'fanmail suppress unsubscribe takes one token',
      'or - for a mail on standard input, with it in its subject',
    );
  if (what === 'unsubscribe' && topic !== null)
    throw usage('fanmail suppress unsubscribe takes no --topic', 'the token says what it is about');
  for (const [name, value] of [['why', why] as const, ['out', out] as const]) {
    if (value === null || TAKES[what].includes(name)) continue;
    const takers = Object.keys(TAKES).filter((one) => TAKES[one as What].includes(name));
    throw usage(`fanmail suppress ${what} takes no --${name}`, `it is for ${takers.join(' and ')}`);
  }
  if (what === 'export' && json && out === null)
    throw usage('the export itself goes to standard output, where --json wants an object', 'add --out list.txt');
}

function requireAddress(text: string): string {
  const parsed = parseAddress(text);
  if (parsed.ok) return parsed.address;
  throw new FanmailError('OPTION_INVALID', `"${text}" is no address: ${parsed.detail}`, {
    hint: 'Allowed: addresses such as ada@example.com, without a name. Nothing was changed.',
  });
}

async function change(
  action: 'add' | 'remove',
  addresses: readonly string[],
  list: SuppressionStore,
  { topic, why, json }: SuppressSettings,
  { terminal }: Session,
): Promise<number> {
  const changed =
    action === 'add' ? await list.add(addresses, topic, why ?? 'manual') : await list.remove(addresses, topic);
  const figures = { action, topic, given: addresses.length, changed };
  if (json) {
    terminal.out(JSON.stringify(figures));
    return EXIT.ok;
  }
  terminal.out(changedText(figures));
  if (action === 'remove') {
    // Whoever takes somebody off for all may think that mail about everything goes out again.
    for (const address of addresses) {
      const items = await list.find(address);
      if (items.length > 0) terminal.out(stillText(address, items));
    }
  }
  return EXIT.ok;
}

async function check(
  addresses: readonly string[],
  list: SuppressionStore,
  { topic, json }: SuppressSettings,
  { terminal }: Session,
): Promise<number> {
  const suppressed = new Set(await list.check(addresses, topic));
  const found = [];
  for (const [i, address] of addresses.entries())
    found.push({ address, suppressed: suppressed.has(i), items: await list.find(address) });
  if (json) {
    const objects = found.map(({ items, ...rest }) => ({ ...rest, entries: items.map(itemObject) }));
    terminal.out(JSON.stringify({ action: 'check', topic, suppressed: suppressed.size > 0, addresses: objects }));
  } else for (const one of found) terminal.out(foundLine(one, topic));
  return suppressed.size > 0 ? EXIT.incomplete : EXIT.ok;
}
