import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPTIONS } from '../../src/config/options.js';
import { FanmailError } from '../../src/domain/errors.js';
import { findScenario, shippedScenarios } from '../../src/rehearsal/find-scenario.js';
import { FAULTS, parseScenario } from '../../src/rehearsal/scenario.js';

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof FanmailError)) throw error;
    expect(error.code).toBe('SCENARIO_INVALID');
    return `${error.message} ${error.hint}`;
  }
  throw new Error('it was not refused');
}

const read = (text: string) => parseScenario(text, 'my.json');

describe('the scenarios that come along', () => {
  it.each(shippedScenarios())('%s is read, and says in a sentence what it is', (name) => {
    const found = findScenario(name, tmpdir());
    expect(found.name).toBe(name);
    expect(found.scenario.about).toMatch(/^[A-Z].*\.$/);
  });

  it('are named by --help, and the default is one of them', () => {
    const names = shippedScenarios();
    expect(names).toContain(OPTIONS.scenario.default);
    expect(OPTIONS.scenario.describe).toContain(`${names.join(', ')}, or`);
  });

  it('strike in every way there is between them', () => {
    const all = shippedScenarios().map((name) => findScenario(name, tmpdir()).scenario);
    expect(new Set(all.flatMap(({ rules }) => rules.map((rule) => rule.fault)))).toEqual(new Set(FAULTS));
    expect(all.some(({ kills }) => kills !== undefined)).toBe(true);
    expect(findScenario('calm', tmpdir()).scenario.rules).toEqual([]);
  });
});

describe('a scenario of the user', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fanmail-scenario-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is found by its path from the current folder', () => {
    writeFileSync(join(folder, 'mine.json'), '\uFEFF{"rules": [{"fault": "greylist"}]}');
    for (const path of ['mine.json', './mine.json', join(folder, 'mine.json')]) {
      expect(findScenario(path, folder).scenario.rules).toHaveLength(1);
    }
  });

  it('that is not there is refused with the names of those that come along', () => {
    expect(refusal(() => findScenario('./none.json', folder))).toMatch(/none\.json.*ENOENT.*bad-day, calm/);
    expect(refusal(() => findScenario('grey', folder))).toMatch(/no scenario "grey".*greylisting.*\.\/grey\.json/);
  });
});

describe('parsing a scenario', () => {
  it('fills in what is not said', () => {
    expect(read('{}')).toEqual({ rules: [] });
    expect(
      read('{"rules": [{"fault": "throttle"}, {"fault": "drop"}, {"fault": "refuse"}], "kills": {"everySeconds": 5}}'),
    ).toEqual({
      rules: [
        { fault: 'throttle', times: 1, at: 'recipient', reply: expect.stringMatching(/^421 4\.7\.28 /) },
        { fault: 'drop', times: 1, at: 'message', keptPercent: 50 },
        { fault: 'refuse', at: 'recipient', reply: expect.stringMatching(/^550 5\.1\.1 /) },
      ],
      kills: { everySeconds: 5, most: 3 },
    });
  });

  it.each([
    ['{"rules": [{"fault": "slow", "percent": 0, "delayMs": 1}]}', 'rules[0].percent', '0', 'above 0, at most 100'],
    ['{"rules": [{"fault": "slow"}]}', 'rules[0].delayMs', 'is missing', 'from 1 to 60000'],
    ['{"rules": [{"fault": "slow", "delayMs": 1.5}]}', 'rules[0].delayMs', '1.5', 'a whole number'],
    ['{"rules": [{}, {"fault": "lose"}]}', 'rules[0].fault', 'is missing', '"throttle", "greylist"'],
    ['{"rules": [{"fault": "lose"}]}', 'rules[0].fault', '"lose"', '"throttle", "greylist"'],
    ['{"rules": [{"fault": "greylist", "tims": 2}]}', 'rules[0]', '"tims"', 'fault, percent, domains, times'],
    ['{"rules": [{"fault": "greylist", "at": "later"}]}', 'rules[0].at', '"later"', '"recipient", "data" or "message"'],
    ['{"rules": [{"fault": "greylist", "reply": "550 no"}]}', 'rules[0].reply', '"550 no"', '400 to 499'],
    ['{"rules": [{"fault": "throttle", "reply": "450 x"}]}', 'rules[0].reply', '"450 x"', 'the code 421'],
    ['{"rules": [{"fault": "refuse", "reply": "550 a\\r\\nb"}]}', 'rules[0].reply', '550 a', 'one line of ASCII'],
    ['{"rules": [{"fault": "refuse", "domains": ["Gmail.com"]}]}', 'rules[0].domains[0]', '"Gmail.com"', 'lower-case'],
    ['{"rules": [{"fault": "refuse", "domains": []}]}', 'rules[0].domains', '[]', 'at least one'],
    ['{"rules": [{"fault": "drop", "keptPercent": 101}]}', 'rules[0].keptPercent', '101', 'from 0 to 100'],
    ['{"rules": {}}', 'rules', '{}', 'a list of rules'],
    ['{"kills": {}}', 'kills', '{}', '"everyMessages" or "everySeconds"'],
    ['{"kills": {"everySeconds": 1, "everyMessages": 1}}', 'kills', 'everySeconds', 'either'],
    ['{"kills": {"everySeconds": 1, "mst": 1}}', 'kills', '"mst"', 'everyMessages, everySeconds, most'],
    ['{"about": 3}', 'about', '3', 'a sentence'],
    ['{"abut": "x"}', 'my.json', '"abut"', 'about, rules, kills'],
    ['[]', 'my.json', '[]', '"rules"'],
    ['null', 'my.json', 'null', '"rules"'],
  ])('refuses %s, naming the file, the place, the value and what is allowed', (text, place, value, allowed) => {
    const words = refusal(() => read(text));
    expect(words.startsWith(place)).toBe(true);
    for (const word of ['my.json', value, allowed]) expect(words).toContain(word);
  });

  it('refuses what is no JSON with the words of the parser, which show where', () => {
    expect(refusal(() => read('{"rules":\n [}'))).toContain(
      `my.json is not JSON: Unexpected token '}', "{"rules": [}"`,
    );
  });
});
