import { join, resolve } from 'node:path';
import type { Settings } from '../config/settings.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { readSource } from '../pipeline/aggregator.js';
import { summaryPage } from '../report/page.js';
import { createResults } from '../report/results.js';
import { resultNames } from '../report/summary-text.js';
import { openContext, pickCampaign } from './context.js';
import { conclude, readSummary } from './follow.js';
import type { Session } from './session.js';

/**
 * `fanmail report <id>`: the summary again, and with `--out` the results, on any machine that reaches the Redis. A page
 * goes to standard output, or with `--out` into its folder; then its path is printed.
 */
export async function report(settings: Settings<'report'>, session: Session): Promise<number> {
  const format = parseFormat(settings.format);
  const { backend } = await openContext(settings, session, 'report');
  const { terminal, log } = session;
  try {
    const { id } = await pickCampaign(backend, settings.campaign);
    const standing = await backend.campaigns.standing(id);
    const phase = standing?.campaign.phase;
    if (!standing || (phase !== 'completed' && phase !== 'cancelled')) {
      throw new FanmailError('CAMPAIGN_NOT_OPEN', `the campaign ${id} has not ended: it is ${phase}`, {
        hint: `fanmail progress ${id} shows how it goes`,
      });
    }
    const summary = await readSummary(backend, id);
    if (format !== 'html') conclude(summary, format === 'json', terminal);
    else if (settings.out === null) terminal.out(summaryPage(summary).trimEnd());
    if (settings.out !== null) {
      const { campaigns } = backend;
      const results = createResults({ defaultDir: resolve(session.cwd, settings.out), log });
      const campaign = { ...standing.campaign, options: { ...standing.campaign.options, resultsDir: null } };
      const source = await readSource(standing, campaigns, () => campaigns.results(campaign));
      const { dir } = await results.write(campaign, source);
      if (format === 'html') terminal.out(join(dir, resultNames(campaign.round).page));
      terminal.say(`Results are in ${dir}`);
    }
    return EXIT.ok;
  } finally {
    await backend.close();
  }
}

function parseFormat(format: Settings<'report'>['format']): 'text' | 'json' | 'html' {
  if (format === null) return 'text';
  if (format === 'text' || format === 'json' || format === 'html') return format;
  throw new FanmailError('OPTION_INVALID', `--format can't be "${format}" for a report.`, {
    hint: 'Allowed: text, json or html; fanmail export writes csv and ndjson.',
  });
}
