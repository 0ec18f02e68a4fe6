import { join, resolve } from 'node:path';
import type { Campaign, Standing } from '../domain/campaign.js';
import { FanmailError } from '../domain/errors.js';
import type { Log, Results } from '../pipeline/ports.js';
import { openDrafts } from './drafts.js';
import { Figures } from './figures.js';
import { summaryPage } from './page.js';
import { resultsCsv } from './results-csv.js';
import { summarise } from './summary.js';
import { resultNames, summaryText } from './summary-text.js';
import { imbalances } from './verify.js';

export interface ResultsOptions {
  /** The folder for campaigns that name none; each has a folder of its id below. */
  readonly defaultDir: string;
  readonly log: Log;
}

/**
 * The results of a round, in `<results folder>/<campaign id>/`: `results.csv` with one line a recipient, `summary.txt`,
 * `summary.html`, `summary.json`; of a later round N `results.round-N.csv` and so on, so that none overwrites another round's. The summary
 * is the last to appear: where it is, all is whole. The ledger is read once, as a stream.
 *
 * `write` throws LEDGER_UNBALANCED where a recount of the ledger disagrees with its counters, and file system errors as
 * they are; then nothing new lies under a final name. A process that is killed leaves files that end in `.partial`.
 */
export function createResults({ defaultDir, log }: ResultsOptions): Results {
  return {
    async write(campaign, source) {
      const begun = performance.now();
      const dir = resolve(join(campaign.options.resultsDir ?? defaultDir, campaign.id));
      const names = resultNames(campaign.round);
      const drafts = await openDrafts(dir);
      try {
        const figures = new Figures();
        await drafts.write(names.results, resultsCsv(campaign, source, figures));
        proveBalance(campaign, source.standing, figures);
        const summary = summarise(campaign, source, figures);
        await drafts.write(names.text, summaryText(summary, { dir }));
        await drafts.write(names.page, summaryPage(summary));
        await drafts.write(names.summary, `${JSON.stringify(summary, null, 2)}\n`);
        await drafts.publish();
        const ms = Math.round(performance.now() - begun);
        log.info(
          { campaign: campaign.id, round: campaign.round, dir, recipients: summary.total, ms },
          'results written',
        );
        return { summary, dir };
      } catch (error) {
        await drafts.discard();
        throw error;
      }
    },
  };
}

/** The same check as `fanmail verify`: no campaign is called complete whose ledger does not balance. */
function proveBalance({ id }: Campaign, standing: Standing, figures: Figures): void {
  const differing = imbalances(standing, figures);
  if (differing.length === 0) return;
  throw new FanmailError(
    'LEDGER_UNBALANCED',
    `the ledger of campaign ${id} does not balance: ${differing.join('; ')}`,
    {
      hint: 'no results were written; the Redis lost part of what it had acknowledged, or something else wrote to it',
    },
  );
}
