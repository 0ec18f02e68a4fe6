import type { Backend } from '../../backend.js';

const LOOK_MS = 500;

export interface PauseWatch {
  /** What paused the campaign; null where nothing did. */
  words(): string | null;
  stop(): void;
}

/**
 * A reply that speaks of the sender pauses a campaign, and nobody is there to resume it: it is cancelled then, so that the
 * rehearsal comes to an end and tells.
 */
export function watchPause(backend: Backend, id: string, said: (text: string) => void): PauseWatch {
  let words: string | null = null;
  let looking = false;

  async function look(): Promise<void> {
    const campaign = await backend.campaigns.get(id);
    const paused = campaign?.flags.paused;
    if (!campaign || !paused || words !== null || campaign.endedAt !== null) return;
    words = paused.reason;
    said(`The relay's words paused the campaign: ${paused.reason}. A launch would wait for fanmail resume.`);
    await backend.campaigns.control(id, 'cancel', 'rehearsal', 'it was paused');
    await (await backend.wake()).promote(campaign);
  }

  const clock = setInterval(() => {
    if (looking) return;
    looking = true;
    // What fails now is tried again at the next look.
    look()
      .catch(() => undefined)
      .finally(() => {
        looking = false;
      });
  }, LOOK_MS);
  return { words: () => words, stop: () => clearInterval(clock) };
}
