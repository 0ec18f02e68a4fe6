import { randomUUID } from 'node:crypto';
import type { Campaign, RelayIdentity } from '../domain/campaign.js';
import { UNLIMITED } from '../domain/pace.js';
import { Leases } from './leases.js';
import type { PaceStore } from './pace-ports.js';
import { Pacer } from './pacer.js';
import type { Log } from './ports.js';
import { RelayPace } from './relay-pace.js';

/** Campaigns whose pacer is kept. */
const KEPT = 200;

interface Shared {
  readonly pace: RelayPace;
  readonly leases: Leases;
}

/** The paces of all campaigns that a process sends; those of one relay share what is known of it. */
export function createPacers(store: PaceStore, log: Log) {
  const owner = randomUUID();
  const relays = new Map<string, Shared>();
  const pacers = new Map<string, Pacer>();

  function sharedOf({ options: { pace } }: Campaign, relay: RelayIdentity): Shared {
    const groups = (pace ?? UNLIMITED).groups;
    const key = JSON.stringify([relay, groups]);
    const known = relays.get(key);
    if (known) return known;
    const relayPace = new RelayPace(relay, store, log, groups);
    const leases = new Leases(relayPace, owner, () => {
      for (const pacer of pacers.values()) pacer.look();
    });
    const shared = { pace: relayPace, leases };
    relays.set(key, shared);
    return shared;
  }

  return {
    of(campaign: Campaign, relay: RelayIdentity): Pacer {
      const key = JSON.stringify([campaign.id, campaign.nonce, relay]);
      const known = pacers.get(key);
      if (known) return known;
      for (const [old, pacer] of pacers) if (pacers.size >= KEPT && pacer.idle) pacers.delete(old);
      const { pace, leases } = sharedOf(campaign, relay);
      const pacer = new Pacer(campaign.id, campaign.options.pace ?? null, pace, leases);
      pacers.set(key, pacer);
      return pacer;
    },
    /** Gives back what others could use. */
    async close(): Promise<void> {
      await Promise.all([...relays.values()].map(({ leases }) => leases.close()));
    },
  };
}
