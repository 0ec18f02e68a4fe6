import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FanmailError } from '../domain/errors.js';
import { parseScenario, type Scenario } from './scenario.js';

/** The scenarios that come along lie beside the code. */
const SHIPPED = fileURLToPath(new URL('./scenarios/', import.meta.url));

export interface NamedScenario {
  /** Of one that comes along its name, of another its file. */
  readonly name: string;
  readonly scenario: Scenario;
}

/** The names of the scenarios that come along. */
export function shippedScenarios(): string[] {
  return readdirSync(SHIPPED)
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
    .sort();
}

/**
 * Reads the scenario that a name or a path (with a slash or `.json`) stands for.
 * @throws FanmailError SCENARIO_INVALID where there is none, or it is none.
 */
export function findScenario(choice: string, cwd: string): NamedScenario {
  const isPath = /[\\/]|\.json$/.test(choice);
  const names = shippedScenarios();
  if (!isPath && !names.includes(choice)) {
    throw new FanmailError('SCENARIO_INVALID', `there is no scenario "${choice}"`, {
      hint: `there are ${names.join(', ')}; a file of your own is named by its path, such as ./${choice}.json`,
    });
  }
  const path = isPath ? resolve(cwd, choice) : join(SHIPPED, `${choice}.json`);
  return { name: choice, scenario: parseScenario(readText(path, choice), choice) };
}

function readText(path: string, choice: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new FanmailError('SCENARIO_INVALID', `the scenario ${choice} can't be read (${code})`, {
      cause,
      hint: `give the path of a JSON file, or one of ${shippedScenarios().join(', ')}`,
    });
  }
}
