/** What the operator allows for the recipients of a domain, or of the domains of one provider. */
export interface DomainLimit {
  readonly perSecond: number | null;
  /** Messages under way at a time, over all workers. */
  readonly connections: number | null;
}

/** The limits of a campaign; null where there is none. */
export interface PaceOptions {
  /** Messages a second, over all workers. */
  readonly perSecond: number | null;
  /** By group, see `groupOf`. */
  readonly domains: Readonly<Record<string, DomainLimit>>;
  /** The operator's own domains by the group that they belong to, before those of the table. */
  readonly groups: Readonly<Record<string, string>>;
}

/** Nothing is limited but by what relays say. */
export const UNLIMITED: PaceOptions = { perSecond: null, domains: {}, groups: {} };

/**
 * Domains that one provider runs, so that it counts them together; a group is called by its first one. Those with a
 * star stand for what is below them in any country: `yahoo.*` is yahoo.de and yahoo.co.uk.
 */
export const PROVIDERS: readonly (readonly string[])[] = [
  ['gmail.com', 'googlemail.com'],
  ['outlook.com', 'hotmail.com', 'live.com', 'msn.com', 'passport.com', 'hotmail.*', 'outlook.*', 'live.*'],
  ['yahoo.com', 'ymail.com', 'rocketmail.com', 'aol.com', 'aim.com', 'myyahoo.com', 'yahoo.*', 'aol.*'],
  ['icloud.com', 'me.com', 'mac.com'],
  ['gmx.net', 'gmx.de', 'gmx.at', 'gmx.ch', 'gmx.com', 'web.de', 'mail.com'],
  ['t-online.de', 'magenta.de'],
  ['orange.fr', 'wanadoo.fr'],
  ['laposte.net'],
  ['free.fr', 'aliceadsl.fr'],
  ['libero.it', 'virgilio.it', 'iol.it', 'inwind.it', 'blu.it'],
  ['mail.ru', 'bk.ru', 'inbox.ru', 'list.ru', 'internet.ru'],
  ['yandex.ru', 'yandex.com', 'ya.ru', 'yandex.*'],
  ['proton.me', 'protonmail.com', 'protonmail.ch', 'pm.me'],
  ['fastmail.com', 'fastmail.fm', 'messagingengine.com'],
  ['zoho.com', 'zohomail.com', 'zoho.eu'],
  ['qq.com', 'foxmail.com'],
  ['163.com', '126.com', 'yeah.net'],
  ['comcast.net', 'xfinity.com'],
  ['bluewin.ch', 'swisscom.ch'],
  ['seznam.cz', 'email.cz', 'post.cz'],
];

const GROUPS = new Map(
  PROVIDERS.flatMap(([name = '', ...others]) => [name, ...others].map((domain) => [domain, name])),
);

/** What stands behind a provider's name in a country: `de`, `co.uk`, `com.br`. */
const COUNTRY = /^(?:(?:co|com)\.)?[a-z]{2}$/;

/** The group of a domain (lower-case ASCII): its provider's, or the domain itself. */
export function groupOf(domain: string, own: PaceOptions['groups'] = {}): string {
  if (Object.hasOwn(own, domain)) return own[domain] ?? domain;
  const dot = domain.indexOf('.');
  const everywhere = COUNTRY.test(domain.slice(dot + 1)) ? GROUPS.get(`${domain.slice(0, dot)}.*`) : undefined;
  return GROUPS.get(domain) ?? everywhere ?? domain;
}

/** The domain of an address as fanmail writes it: the part after the last @. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
