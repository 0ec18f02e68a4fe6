import type { Log } from './ports.js';
import type { Suppression } from './suppression-ports.js';

/** How often a process looks whether the list has changed. */
const LOOK_MS = 1_000;
/** Addresses that turn out to be dead are added together. */
const GATHER_MS = 250;

/** The suppression list as all chunks of a process use it. */
export interface SuppressionWatch extends Pick<Suppression, 'check'> {
  /** Tells `look` when the list has changed, or can't be asked; returns how to end that. */
  subscribe(look: () => void): () => void;
  /** Suppresses an address for all, soon: a relay said that there is none. The end of the campaign makes sure of it. */
  dead(address: string): void;
  /** Adds what waits. */
  close(): Promise<void>;
}

/** One look a second for all chunks that are being sent, however many. */
export function watchSuppression(list: Suppression, log: Log): SuppressionWatch {
  const lookers = new Set<() => void>();
  /** None: the first look tells everybody. */
  let version = -1;
  let clock: NodeJS.Timeout | undefined;
  let looking = false;
  let dead: string[] = [];
  let gathering: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    const now = await list.standing().then(
      (standing) => standing.version,
      // Whoever asks the list now finds out why.
      () => -1,
    );
    looking = false;
    if (now === version && now !== -1) return;
    version = now;
    for (const tell of [...lookers]) tell();
  }

  async function addDead(): Promise<void> {
    clearTimeout(gathering);
    gathering = undefined;
    const addresses = dead;
    dead = [];
    if (addresses.length === 0) return;
    await list.add(addresses, null, 'bounce').catch((error: unknown) => {
      log.warn({ err: error, count: addresses.length }, 'dead addresses could not be suppressed yet');
    });
  }

  return {
    check: (addresses, topic) => list.check(addresses, topic),
    subscribe(tell) {
      lookers.add(tell);
      clock ??= setInterval(() => void look(), LOOK_MS);
      return () => {
        lookers.delete(tell);
        if (lookers.size > 0) return;
        clearInterval(clock);
        clock = undefined;
      };
    },
    dead(address) {
      dead.push(address);
      gathering ??= setTimeout(() => void addDead(), GATHER_MS);
    },
    close: addDead,
  };
}
