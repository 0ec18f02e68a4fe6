import { type Finding, finding } from '../finding.js';
import { type Lookups, recordsOf } from './lookups.js';

/** Whether answers and bounces can arrive at the sender's domain (RFC 5321 5.1). */
export async function incomingFindings(domain: string, lookups: Lookups): Promise<Finding[]> {
  const [mx, ...addresses] = await Promise.all([
    lookups.mx(domain),
    lookups.addresses(domain, 4),
    lookups.addresses(domain, 6),
  ]);
  const hosts = recordsOf(mx);
  if (hosts.some(({ host }) => host !== '') || mx.kind === 'failed') return [];
  if (hosts.length > 0) return [lost(domain, 'says that it takes no mail (a null MX)')];
  if (addresses.some(({ kind }) => kind !== 'none')) return [];
  return [lost(domain, 'has neither an MX record nor an address')];
}

function lost(domain: string, what: string): Finding {
  const hint = 'Answers and bounces are lost, and many receivers refuse such a sender. Give it an MX record.';
  return finding('SENDER_TAKES_NO_MAIL', `the sender's domain ${domain} ${what}`, hint);
}
