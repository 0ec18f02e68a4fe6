/** What an address makes one suspect: nothing that is refused, but worth a look before everybody gets a message. */

/** Mailboxes of a function instead of a person: those of RFC 2142, and what firms usually add. */
const ROLES: ReadonlySet<string> = new Set(
  (
    'abuse accounting accounts admin administrator all billing board bookings buero career careers compliance contact ' +
    'contacto customerservice donotreply editor enquiries events feedback finance ftp hello help helpdesk hostmaster hr ' +
    'info inquiries invoice invoices it jobs kontakt legal list mail mailer-daemon marketing media news newsletter ' +
    'no-reply noc noreply nobody office orders postmaster presse press privacy recruitment reservations root sales ' +
    'security service support sysadmin team undisclosed-recipients unsubscribe usenet verkauf webmaster www'
  ).split(' '),
);

/** Providers of so many people that a domain one letter away is nearly always meant to be theirs. */
const BIG = [
  'gmail.com',
  'googlemail.com',
  'yahoo.com',
  'ymail.com',
  'hotmail.com',
  'outlook.com',
  'icloud.com',
  'comcast.net',
  'verizon.net',
  'earthlink.net',
  'protonmail.com',
  'rocketmail.com',
  't-online.de',
  'wanadoo.fr',
  'laposte.net',
] as const;

/** Mail domains in their own right that are one letter away from a big one. */
const REAL: ReadonlySet<string> = new Set([...BIG, 'mail.com', 'email.com', 'cloud.com', 'hotmail.co', 'gmx.com']);

/** What one letter doesn't explain, and short names, where one letter is too little to go by. */
const TYPOS: ReadonlyMap<string, string> = new Map([
  ['gmai.co', 'gmail.com'],
  ['gmail.cmo', 'gmail.com'],
  ['gmial.co', 'gmail.com'],
  ['gmaill.co', 'gmail.com'],
  ['gmail.comm', 'gmail.com'],
  ['gmail.ocm', 'gmail.com'],
  ['hotmail.con', 'hotmail.com'],
  ['hotmai.co', 'hotmail.com'],
  ['hotmial.co', 'hotmail.com'],
  ['hitmail.co', 'hotmail.com'],
  ['yaho.co', 'yahoo.com'],
  ['yhoo.co', 'yahoo.com'],
  ['outlok.co', 'outlook.com'],
  ['gmx.ed', 'gmx.de'],
  ['gxm.de', 'gmx.de'],
  ['gmx.nte', 'gmx.net'],
  ['gxm.net', 'gmx.net'],
  ['wbe.de', 'web.de'],
  ['wed.de', 'web.de'],
  ['web.ed', 'web.de'],
  ['aol.con', 'aol.com'],
  ['alo.com', 'aol.com'],
  ['live.con', 'live.com'],
  ['livec.om', 'live.com'],
  ['msn.con', 'msn.com'],
  ['me.con', 'me.com'],
]);

/** Whether the local part of an address, without a +tag, names a function such as `info` or `postmaster`. */
export function isRoleAddress(address: string): boolean {
  const local = address.slice(0, address.lastIndexOf('@')).toLowerCase();
  const plus = local.indexOf('+');
  return ROLES.has(plus > 0 ? local.slice(0, plus) : local);
}

/** The domain that a parsed address was probably meant to have, or null where its own is as good as any. */
export function likelyDomain(address: string): string | null {
  const domain = address.slice(address.lastIndexOf('@') + 1);
  if (REAL.has(domain)) return null;
  return TYPOS.get(domain) ?? BIG.find((big) => isOneEditAway(domain, big)) ?? null;
}

/** Whether one letter more, less or other, or two neighbours swapped, makes one of the other; equal texts are not. */
function isOneEditAway(a: string, b: string): boolean {
  const difference = a.length - b.length;
  if (difference < -1 || difference > 1) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  if (difference !== 0) return a.slice(difference > 0 ? at + 1 : at) === b.slice(difference < 0 ? at + 1 : at);
  if (at === a.length) return false;
  if (a.slice(at + 1) === b.slice(at + 1)) return true;
  return a[at] === b[at + 1] && a[at + 1] === b[at] && a.slice(at + 2) === b.slice(at + 2);
}
