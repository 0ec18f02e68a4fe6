import { expect, it } from 'vitest';
import { PROVIDERS } from '../../src/domain/pace.js';
import { REPLY_CLASSES, REPLY_RULES } from '../../src/domain/reply-class.js';
import { code, codes, page, section, table } from './markdown.js';

const PACE = page('docs/how-to/pace.md');
const between = (name: string) => PACE.split(`<!-- ${name} -->`)[1]?.split(`<!-- /${name} -->`)[0] ?? '';

it('the page on pace has the table of refusals, line by line', () => {
  const shown = table(between('reply-rules')).map((cells) =>
    cells.map((cell) => (cell === '' ? undefined : code(cell))),
  );
  expect(shown).toEqual(REPLY_RULES.map((rule) => [rule.code, rule.enhanced, rule.words, rule.class]));
});

it('and says of every class what is done', () => {
  const classes = table(section(PACE, '## What a refusal means').split('<!-- /reply-rules -->')[1] ?? '');
  expect(classes.map(([name = '']) => code(name))).toEqual([...REPLY_CLASSES]);
});

it('and has every provider with its domains', () => {
  const shown = table(between('providers')).map((cells) => cells.flatMap(codes));
  expect(shown).toEqual(PROVIDERS);
});
