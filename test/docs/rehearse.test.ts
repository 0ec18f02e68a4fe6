import { describe, expect, it } from 'vitest';
import { type Rehearsal, rehearsalObject } from '../../src/cli/view/rehearsal.js';
import { shippedScenarios } from '../../src/rehearsal/find-scenario.js';
import { FAULTS, parseScenario } from '../../src/rehearsal/scenario.js';
import { blocks, codes, page, section, table } from './markdown.js';

const PAGE = page('docs/how-to/rehearse.md');

const REHEARSAL: Rehearsal = {
  ...{ id: 'rehearsal-1', source: 'people.csv', name: 'calm', scenario: { rules: [] }, seed: 1, folder: '/x' },
  ...{ total: 1, rows: 1, rejects: {}, kills: 0, paused: null, checks: [], durationMs: 1 },
  figures: {
    ...{ states: { sent: 1 }, faults: { throttle: 0, greylist: 0, refuse: 0, drop: 0, slow: 0 }, taken: 1, tries: {} },
    ...{ sentLater: 0, refused: {}, reasons: {}, unknownTaken: 0, secondCopies: 0 },
  },
};

describe('the page on rehearsing', () => {
  it('has every scenario that comes along, and no other', () => {
    const shown = table(section(PAGE, '## Scenarios')).map(([name]) => codes(name ?? '')[0]);
    expect(shown).toEqual(shippedScenarios());
  });

  it('has every field of a scenario, and no other', () => {
    const [, rest = ''] = PAGE.split('<!-- scenario -->');
    const shown = table(rest.split('<!-- /scenario -->')[0] ?? '').map(([name]) => codes(name ?? '')[0]);
    const rules = FAULTS.map((fault) => ({
      fault,
      percent: 1,
      domains: ['a.b'],
      ...(fault === 'slow' ? { delayMs: 1 } : {}),
    }));
    const parsed = parseScenario(JSON.stringify({ about: 'x', rules, kills: { everySeconds: 1 } }), 'test');
    const fields = [parsed, ...parsed.rules, { everyMessages: 1, ...parsed.kills }].flatMap((one) => Object.keys(one));
    expect(shown.sort()).toEqual([...new Set(fields)].sort());
  });

  it('shows a scenario that is one, with every fault', () => {
    const [shown] = blocks(PAGE).filter(({ language }) => language === 'json');
    const { rules } = parseScenario(shown?.text ?? '', 'monday.json');
    expect(rules.map(({ fault }) => fault).sort()).toEqual([...FAULTS].sort());
  });
});

describe('the reference', () => {
  it('has every field of the object of a rehearsal, and of those in it', () => {
    const text = section(page('docs/reference.md'), '### rehearse');
    const object = rehearsalObject(REHEARSAL);
    expect(table(text).flatMap(([cell]) => codes(cell ?? ''))).toEqual(Object.keys(object));
    for (const field of [...Object.keys(object.scenario), ...FAULTS]) expect(codes(text)).toContain(field);
  });
});
