import { identityOf, parseRelayUrl, type RelaySettings, refusal } from './url.js';

/** Where one URL ends and the next begins; a comma or blank in a password is written %2C or %20. */
const BETWEEN = /[\s,]+(?=smtps?:\/\/)/i;
const MOST = 20;

/**
 * Reads one relay, or several with blanks or commas between: `smtp://a.example.com?weight=3 smtp://b.example.com?spare=true`.
 *
 * @throws FanmailError RELAY_URL naming what is wrong with which, and what is allowed; never a URL itself
 */
export function parseRelayUrls(text: string): readonly [RelaySettings, ...RelaySettings[]] {
  const urls = text.trim().split(BETWEEN);
  if (urls.length > MOST) throw refusal(`it names ${urls.length} relays`, `At most ${MOST} are possible.`);
  const [first, ...others] = urls.map(parseRelayUrl);
  if (!first) throw refusal('it is empty');
  const all = [first, ...others] as const;
  const seen = new Set<string>();
  for (const relay of all) {
    const identity = JSON.stringify(identityOf(relay));
    if (seen.has(identity)) throw refusal(`${relay.host}:${relay.port} stands there twice`, 'Name each relay once.');
    seen.add(identity);
  }
  if (all.every(({ spare }) => spare)) throw refusal('all relays are spare', 'Leave out spare=true at one of them.');
  return all;
}
