import { type Campaign, type RelayIdentity, relaysOf } from './domain/campaign.js';
import type { Route } from './pipeline/chunk-ports.js';
import type { Log } from './pipeline/ports.js';
import type { Relay } from './pipeline/relay-ports.js';
import { createRelay } from './relay/pool.js';
import { describeRelay, matches, type RelaySettings } from './relay/url.js';

export interface RelaysOptions {
  /** Those that this process has credentials for. */
  readonly relays: readonly RelaySettings[];
  /** To each relay. */
  readonly connections: number;
  readonly log: Log;
}

/**
 * The relays of one worker process. A campaign says which relays it was launched for, and this process's own settings
 * hold the credentials: a worker never sends a campaign through another relay than those it was launched for.
 */
export function createRelays(options: RelaysOptions) {
  const pools = new Map<string, Relay>();
  let trouble: string | null = null;

  function settingsFor(wanted: RelayIdentity): RelaySettings | null {
    const own = options.relays.find((settings) => matches(settings, wanted));
    if (own) return own;
    if (wanted.user !== null) return null;
    const { host, port, security } = wanted;
    const verify = security === 'tls' || security === 'starttls';
    return { host, port, security, verify, login: null, name: null, pipelining: true, weight: 1, spare: false };
  }

  function poolOf(identity: RelayIdentity): Relay | null {
    const key = JSON.stringify(identity);
    const known = pools.get(key);
    if (known) return known;
    const settings = settingsFor(identity);
    if (settings === null) {
      trouble = `no credentials here for ${describeRelay(identity)}: start this worker with the campaign's SMTP_URL`;
      return null;
    }
    const pool = createRelay(settings, { connections: options.connections, log: options.log });
    pools.set(key, pool);
    return pool;
  }

  function routes(campaign: Campaign): readonly Route[] | string {
    const choices = relaysOf(campaign.options);
    const found = choices.flatMap(({ identity, weight, spare }, at) => {
      const relay = poolOf(identity);
      // Counted by relay only where there is more than one.
      return relay ? [{ identity, weight, spare, relay, number: choices.length > 1 ? at + 1 : 0 }] : [];
    });
    return found.length > 0 ? found : (trouble ?? 'no relay');
  }

  return {
    routes,
    trouble: () => trouble,
    abandon(): void {
      for (const pool of pools.values()) pool.abandon();
    },
    async close(): Promise<void> {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}
