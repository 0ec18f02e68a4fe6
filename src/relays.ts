import type { Campaign } from './domain/campaign.js';
import type { Log } from './pipeline/ports.js';
import type { Relay } from './pipeline/relay-ports.js';
import { createRelay } from './relay/pool.js';
import { describeRelay, matches, type RelaySettings } from './relay/url.js';

export interface RelaysOptions {
  readonly relay: RelaySettings | null;
  readonly connections: number;
  readonly log: Log;
}

/**
 * The relays of one worker process. A campaign says which relay it was launched for, and this process's own settings
 * hold the credentials: a worker never sends a campaign through another relay than the one it was launched for.
 */
export function createRelays(options: RelaysOptions) {
  const pools = new Map<string, Relay>();
  let trouble: string | null = null;

  function settingsFor(campaign: Campaign): RelaySettings | string {
    const wanted = campaign.options.relay;
    if (options.relay && matches(options.relay, wanted)) return options.relay;
    if (wanted.user === null) {
      const { host, port, security } = wanted;
      const verify = security === 'tls' || security === 'starttls';
      return { host, port, security, verify, login: null, name: null, pipelining: true };
    }
    return `no credentials here for ${describeRelay(wanted)}: start this worker with the campaign's SMTP_URL`;
  }

  return {
    of(campaign: Campaign): Relay | string {
      const settings = settingsFor(campaign);
      if (typeof settings === 'string') {
        trouble = settings;
        return settings;
      }
      const key = JSON.stringify(campaign.options.relay);
      const pool = pools.get(key) ?? createRelay(settings, { connections: options.connections, log: options.log });
      pools.set(key, pool);
      return pool;
    },
    trouble: () => trouble,
    abandon(): void {
      for (const pool of pools.values()) pool.abandon();
    },
    async close(): Promise<void> {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}
