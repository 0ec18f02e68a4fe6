import { describe, expect, it } from 'vitest';
import { FIELD_NAMES, FIELDS, ruleOf } from '../../src/domain/condition.js';
import { parseCondition } from '../../src/domain/condition-parser.js';
import { DEFAULT_COLUMNS, EXPORT_COLUMNS } from '../../src/report/export.js';
import { code, codes, page, section, table } from './markdown.js';

const REFERENCE = page('docs/reference.md');
const HOW_TO = page('docs/how-to/retry-and-export.md');

describe('the reference of conditions', () => {
  const rows = table(section(REFERENCE, '## Conditions'));

  it('has every field with its operators, and no other', () => {
    const shown = rows.map(([field, operators]) => [code(field), codes(operators ?? '')]);
    expect(Object.fromEntries(shown)).toEqual(
      Object.fromEntries(FIELD_NAMES.map((name) => [name, [...ruleOf(name).operators]])),
    );
    expect(shown).toHaveLength(FIELD_NAMES.length);
  });

  it('has values that are taken: all classes, and forms of a code', () => {
    const valuesOf = (field: string) => codes(rows.find(([name]) => code(name) === field)?.[2] ?? '');
    expect(valuesOf('class')).toEqual(FIELDS.class.values);
    expect(valuesOf('code')).toHaveLength(4);
    for (const value of valuesOf('code')) expect(parseCondition(`code=${value}`)).toMatchObject({ field: 'code' });
  });
});

describe('the page on retry and export', () => {
  it('shows only conditions that can be read', () => {
    const [, rest = ''] = HOW_TO.split('| condition | is |');
    const shown = table(`| condition | is |${rest}`).map(([condition]) => code(condition));
    expect(shown.length).toBeGreaterThan(4);
    for (const condition of shown) expect(parseCondition(condition), condition).toBeTypeOf('object');
  });
});

describe('the reference of an export', () => {
  it('has every column, and no other', () => {
    const shown = table(section(REFERENCE, '## Export')).flatMap(([cell]) => codes(cell ?? ''));
    expect(shown).toEqual([...EXPORT_COLUMNS]);
    expect(DEFAULT_COLUMNS.length).toBeLessThan(EXPORT_COLUMNS.length);
  });
});
