import { writeFileSync } from 'node:fs';
import { fate } from './dice.js';
import { addRound, type Figures, lineOf, noFigures, tableOf } from './figures.js';
import { soakLedger } from './lives.js';
import type { SoakOptions } from './options.js';
import { playRound, type RoundResult } from './round.js';
import { runScenarios } from './scenarios.js';
import { drawWorld, type World } from './world.js';

/** Lives of the ledger's model after each round: 3 to 5 s. */
const LIVES = 60;
/** Breaches of one round. */
const SHOWN = 20;

const EXIT = { ok: 0, breach: 1, interrupted: 130 } as const;

/** Plays rounds until the time is over, a promise is broken, or `signal` aborts; resolves with the exit code. */
export async function soak(
  options: SoakOptions,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<(typeof EXIT)[keyof typeof EXIT]> {
  const { seed, minutes, round } = options;
  const figures = noFigures();
  const stopped = aborted(signal);
  say(`seed ${seed}: ${round === null ? `rounds for ${minutes} min` : `round ${round} alone`}\n`);
  if (options.all && !(await scenarios(figures, say, signal))) return report(options, figures, 0, say, signal);
  const began = performance.now();
  const spent = () => (performance.now() - began) / 60_000;
  for (let number = round ?? 1; !signal.aborted; number++) {
    if (!(await playOne(seed, number, figures, say, stopped))) break;
    if (round !== null || spent() >= minutes) break;
  }
  return report(options, figures, spent(), say, signal);
}

/** False where it is not to go on. */
async function playOne(
  seed: number,
  number: number,
  figures: Figures,
  say: (text: string) => void,
  stopped: Promise<null>,
): Promise<boolean> {
  const world = drawWorld(seed, number);
  const round = playRound(world);
  const result = await Promise.race([round.result, stopped]);
  if (result === null) {
    await round.abandon();
    return false;
  }
  addRound(figures, result);
  say(lineOf(number, result));
  if (result.breaches.length > 0) {
    say(breachOf(seed, number, world, result));
    return false;
  }
  const lives = Math.floor(fate(seed, number, 'lives') * 2 ** 31);
  const broken = await soakLedger(lives, LIVES, stopped);
  if (broken === null) return false;
  figures.modelLives += LIVES;
  if (broken === 'holds') return true;
  figures.breaches++;
  say(`\nThe ledger and its model differ: ${broken}\n${repeat(seed, number)}`);
  return false;
}

async function scenarios(figures: Figures, say: (text: string) => void, signal: AbortSignal): Promise<boolean> {
  const { passed, failed } = await runScenarios(signal);
  figures.scenarios = passed;
  figures.breaches += signal.aborted ? 0 : failed.length;
  say(
    `scenarios of test/faults: ${passed} passed, ${failed.length} failed\n${failed.map((name) => `  ${name}\n`).join('')}`,
  );
  return failed.length === 0 && !signal.aborted;
}

function breachOf(seed: number, number: number, world: World, result: RoundResult): string {
  return [
    `\nPROMISES BROKEN in round ${number} of seed ${seed}:`,
    ...result.breaches.slice(0, SHOWN).map((text) => `  ${text}`),
    ...(result.breaches.length > SHOWN ? [`  and ${result.breaches.length - SHOWN} more in breach.json`] : []),
    `its world: ${JSON.stringify(world)}`,
    ...result.told.map(({ at, said }) => `  ${at} ms: ${said}`),
    `kept in ${result.kept}: breach.json, lists, results, record, record.faults, logs, redis.txt`,
    repeat(seed, number),
  ].join('\n');
}

function repeat(seed: number, round: number): string {
  return `repeat it: npm run soak -- --seed ${seed} --round ${round}\n`;
}

function report(
  { seed, minutes, round, all, json }: SoakOptions,
  figures: Figures,
  spent: number,
  say: (text: string) => void,
  signal: AbortSignal,
): (typeof EXIT)[keyof typeof EXIT] {
  const rest = round === null ? `--minutes ${minutes}` : `--round ${round}`;
  const command = `npm run soak -- --seed ${seed} ${rest}${all ? ' --all' : ''}`;
  const outcome = figures.breaches > 0 ? 'breach' : signal.aborted ? 'interrupted' : 'ok';
  say(`\n${tableOf(figures, spent)}\n${outcome}; the same again: ${command}\n`);
  if (json !== null) {
    const data = {
      command,
      seed,
      date: new Date().toISOString(),
      minutes: Number(spent.toFixed(1)),
      outcome,
      ...figures,
    };
    writeFileSync(json, `${JSON.stringify(data, null, 2)}\n`);
  }
  return EXIT[outcome];
}

function aborted(signal: AbortSignal): Promise<null> {
  if (signal.aborted) return Promise.resolve(null);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
}
