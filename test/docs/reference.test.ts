import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FINDINGS } from '../../src/cli/check/finding.js';
import { progressObject } from '../../src/cli/view/progress-object.js';
import { ERRORS } from '../../src/domain/errors.js';
import { REJECT_REASONS } from '../../src/domain/recipient.js';
import { LATE_SENT, REASONS } from '../../src/domain/record.js';
import { RESULTS_HEADER } from '../../src/report/results-csv.js';
import { LOG_LEVELS } from '../../src/runtime/logger.js';
import { BREAKER, FREE, NOW, relayView, standingOf, WORKER } from '../cli/view/views.js';
import { code, codes, page, ROOT, section, table } from './markdown.js';
import type { Schema } from './schema.js';

const REFERENCE = page('docs/reference.md');
const firstColumn = (heading: string) => table(section(REFERENCE, heading)).flatMap(([cell]) => codes(cell ?? ''));

/** The fields of the objects in a value, at any depth. */
function fieldsOf({ properties = {}, items, oneOf = [] }: Schema): string[] {
  const inner = [...Object.values(properties), ...oneOf, ...(items ? [items] : [])];
  return [...Object.keys(properties), ...inner.flatMap(fieldsOf)];
}

describe('the reference', () => {
  it('has every error with its exit code, and no other', () => {
    const shown = table(section(REFERENCE, '## Errors')).map(([name, exit]) => [code(name), Number(exit)]);
    expect(Object.fromEntries(shown)).toEqual(ERRORS);
    expect(shown).toHaveLength(Object.keys(ERRORS).length);
  });

  it('says of every error what it means and the way out', () => {
    const poor = table(section(REFERENCE, '## Errors')).filter(([, , means = '', wayOut = '']) => !means || !wayOut);
    expect(poor).toEqual([]);
  });

  it('has every finding of a check with its severity, and no other', () => {
    const [, rest = ''] = REFERENCE.split('<!-- findings -->');
    const shown = table(rest.split('<!-- /findings -->')[0] ?? '').map(([name, severity]) => [code(name), severity]);
    expect(Object.fromEntries(shown)).toEqual(FINDINGS);
  });

  it('has every reason of a reject, and no other', () => {
    expect(firstColumn('## rejects.csv')).toEqual([...REJECT_REASONS]);
  });

  it('has every reason of a record, and no other', () => {
    expect(firstColumn('## Reasons')).toEqual([...REASONS]);
    expect(codes(section(REFERENCE, '## Reasons'))).toContain(LATE_SENT);
  });

  it('has the columns of results.csv in their order', () => {
    expect(firstColumn('## results.csv')).toEqual(RESULTS_HEADER.trim().split(','));
  });

  it('has every field of the summary, and of the objects in it', () => {
    const schema: Schema = JSON.parse(readFileSync(`${ROOT}docs/summary.schema.json`, 'utf8'));
    const { states, ...others } = schema.properties ?? {};
    expect(firstColumn('## summary.json').sort()).toEqual(['states', ...Object.keys(others)].sort());
    const named = codes(section(REFERENCE, '## summary.json'));
    expect(Object.keys(states?.properties ?? {})).not.toEqual([]);
    expect(
      Object.values(others)
        .flatMap(fieldsOf)
        .filter((field) => !named.includes(field)),
    ).toEqual([]);
  });

  it('has every field of the progress object, and of the objects in it', () => {
    const figures = { sent: 1, failed: 1, deferred: 1, throttled: 1, unknown: 1 };
    const standing = standingOf(
      { relays: [figures] },
      { flags: { paused: { by: 'relay', reason: '535', at: NOW }, cancelling: false } },
    );
    const slow = [{ group: 'gmail.com', perSecond: 1, cutAt: NOW, nextAt: NOW, leftMs: 1 }];
    const relay = relayView({ breaker: BREAKER, pace: { ...FREE, slow } });
    const object = progressObject({ standing, relays: [relay], workers: [WORKER], opensAt: null });
    expect(firstColumn('### progress').sort()).toEqual(Object.keys(object).sort());
    const named = codes(section(REFERENCE, '### progress'));
    const { limits, refusals, workers } = object;
    const parts = [object.paused, object.chunks, object.breaker, workers[0], refusals[0], limits, limits.throttled[0]];
    for (const inner of [...parts, object.relays[0]]) {
      for (const field of Object.keys(inner ?? {})) expect(named).toContain(field);
    }
  });

  it('has every level of the log', () => {
    const named = codes(section(REFERENCE, '## Log'));
    for (const level of LOG_LEVELS.filter((one) => one !== 'silent')) expect(named).toContain(level);
  });
});
