import { expect, it } from 'vitest';
import { HELPERS } from '../../src/message/helpers/helpers.js';
import { codes, page, section, table } from './markdown.js';

it('the page on templates has every helper as it is written, and no other', () => {
  const shown = table(section(page('docs/how-to/templates.md'), '## Helpers')).flatMap(([helper]) =>
    codes(helper ?? ''),
  );
  expect(shown.sort()).toEqual(
    Object.values(HELPERS)
      .map(({ usage }) => usage)
      .sort(),
  );
});
