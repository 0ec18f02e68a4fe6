import type { RowDefinition } from './bench.js';
import { attachment } from './rows/attachment.js';
import { dkim } from './rows/dkim.js';
import { ledgerCost } from './rows/ledger-cost.js';
import { longMessages } from './rows/long-messages.js';
import { longRun } from './rows/long-run.js';
import { oneWorker } from './rows/one-worker.js';
import { overview } from './rows/overview.js';
import { slowRelay } from './rows/slow-relay.js';
import { staging } from './rows/staging.js';
import { stagingMemory } from './rows/staging-memory.js';
import { takeover } from './rows/takeover.js';
import { ten } from './rows/ten.js';
import { twoWorkers } from './rows/two-workers.js';

/** In the order in which they are measured and shown. */
export const ROWS: readonly RowDefinition[] = [
  oneWorker,
  twoWorkers,
  longMessages,
  attachment,
  dkim,
  ledgerCost,
  slowRelay,
  staging,
  stagingMemory,
  overview,
  ten,
  takeover,
  longRun,
];
