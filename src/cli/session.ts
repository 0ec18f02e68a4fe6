import type { Places } from '../config/environment.js';
import type { Env } from '../config/sources.js';
import type { Log } from '../pipeline/ports.js';
import type { Terminal } from './terminal.js';

/** What every command is run with. */
export interface Session {
  readonly terminal: Terminal;
  readonly log: Log;
  /** The first Ctrl-C or SIGTERM. */
  readonly quiet: AbortSignal;
  /** The second one. */
  readonly stop: AbortSignal;
  readonly version: string;
  readonly env: Env;
  readonly cwd: string;
  readonly places: Places;
}
