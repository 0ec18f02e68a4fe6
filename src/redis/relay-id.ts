import type { RelayIdentity } from '../domain/campaign.js';

/** What keys call a relay. */
export function relayId({ host, port, user }: RelayIdentity): string {
  return `${host}:${port}:${user ?? ''}`;
}
