import { createDice, type Dice } from './dice.js';
import { drawMood, type Mood } from './mood.js';

export interface CampaignPlan {
  readonly id: string;
  readonly rows: number;
  readonly chunkSize: number;
  readonly onUnknown: 'hold' | 'resend';
  /** Milliseconds after the workers are there. */
  readonly at: number;
  /** What becomes of the first launch; a killed one is repeated where it did not seal. */
  readonly launch: 'whole' | 'killed-before-seal' | 'killed-after-seal';
}

/** One `fanmail worker`. */
export interface CrewShape {
  readonly processes: number;
  readonly connections: number;
  readonly chunks: number;
}

/**
 * What is done to the system. `crew` and `process` count from 0 over those that run at that time; `campaign` over the
 * plans. Milliseconds everywhere.
 */
export type Deed =
  | { readonly do: 'kill'; readonly crew: number; readonly process: number }
  | { readonly do: 'kill-everything' | 'redis-kill' | 'relay-kill'; readonly ms: number }
  | { readonly do: 'kill-command' | 'deploy'; readonly crew: number }
  | { readonly do: 'freeze'; readonly crew: number; readonly process: number; readonly ms: number }
  | { readonly do: 'redis-freeze' | 'redis-full'; readonly ms: number }
  | { readonly do: 'kill-all' | 'queue-gone' }
  | { readonly do: 'queue-holes'; readonly share: number; readonly salt: number }
  | { readonly do: 'pause'; readonly campaign: number; readonly ms: number }
  | { readonly do: 'cancel'; readonly campaign: number };

export type Step = Deed & { readonly at: number };

/** Everything that chance decides about a round, and nothing that it does: the machine's own pace comes on top. */
export interface World {
  readonly name: string;
  readonly campaigns: readonly CampaignPlan[];
  readonly crews: readonly CrewShape[];
  readonly mood: Mood;
  readonly steps: readonly Step[];
}

/** Of one recipient: more than the relay's patience and all kills of a round can use. */
export const ATTEMPTS = 10;

const WEIGHTS: Readonly<Record<Deed['do'], number>> = {
  kill: 8,
  'kill-all': 2,
  'kill-everything': 1,
  'kill-command': 1.5,
  deploy: 3,
  freeze: 5,
  'redis-kill': 3,
  'redis-freeze': 1.5,
  'redis-full': 1.5,
  'relay-kill': 1.5,
  'queue-gone': 1,
  'queue-holes': 2,
  pause: 1.5,
  cancel: 0.4,
};

/** The world of a round; the same for the same seed and number. */
export function drawWorld(seed: number, round: number): World {
  const name = `${seed}/${round}`;
  const dice = createDice(name);
  const crews = Array.from({ length: dice.int(1, 2) }, () => drawCrew(dice));
  const wire = crews.reduce((all, crew) => all + crew.processes * crew.connections, 0);
  const sendMs = dice.int(6_000, 15_000);
  const campaigns = Array.from({ length: dice.pick([1, 1, 1, 1, 2, 2, 3]) }, (_, i) => drawCampaign(dice, i, sendMs));
  const rows = campaigns.reduce((all, campaign) => all + campaign.rows, 0);
  const delayMs = Math.min(400, Math.max(1, Math.round((sendMs * wire) / rows)));
  const mood = drawMood(dice, name, delayMs);
  const steps = Array.from({ length: dice.int(2, 8) }, () => ({
    ...drawDeed(dice, crews, campaigns.length),
    at: dice.int(300, sendMs),
  }));
  return { name, campaigns, crews, mood, steps: steps.sort((a, b) => a.at - b.at) };
}

function drawCrew(dice: Dice): CrewShape {
  return { processes: dice.int(1, 3), connections: dice.int(1, 12), chunks: dice.int(1, 4) };
}

function drawCampaign(dice: Dice, number: number, sendMs: number): CampaignPlan {
  return {
    id: `c${number}`,
    rows: dice.int(200, 3_000),
    chunkSize: dice.chance(0.15) ? dice.int(5, 15) : dice.int(20, 400),
    onUnknown: dice.chance(0.6) ? 'hold' : 'resend',
    at: number === 0 ? 0 : dice.int(0, sendMs / 2),
    launch: dice.weighted({ whole: 6, 'killed-before-seal': 1, 'killed-after-seal': 1 }),
  };
}

function drawDeed(dice: Dice, crews: readonly CrewShape[], campaigns: number): Deed {
  const kind = dice.weighted(WEIGHTS);
  const crew = dice.int(0, crews.length - 1);
  const process = dice.int(0, 2);
  const campaign = dice.int(0, campaigns - 1);
  const short = dice.int(300, 5_000);
  // Past the lock of a job, which lives for 15 s.
  const long = dice.int(16_000, 24_000);
  switch (kind) {
    case 'kill':
      return { do: kind, crew, process };
    case 'kill-everything':
    case 'redis-kill':
    case 'relay-kill':
      return { do: kind, ms: Math.min(short, 3_000) };
    case 'kill-command':
    case 'deploy':
      return { do: kind, crew };
    case 'freeze':
      return { do: kind, crew, process, ms: dice.chance(0.5) ? long : short };
    case 'redis-freeze':
    case 'redis-full':
      return { do: kind, ms: dice.chance(0.15) ? long : short };
    case 'kill-all':
    case 'queue-gone':
      return { do: kind };
    case 'queue-holes':
      return { do: kind, share: dice.int(5, 60) / 100, salt: dice.int(0, 999_999) };
    case 'pause':
      return { do: kind, campaign, ms: short };
    case 'cancel':
      return { do: kind, campaign };
    default:
      return kind satisfies never;
  }
}
