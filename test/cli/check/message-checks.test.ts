import { describe, expect, it } from 'vitest';
import { MessageChecks } from '../../../src/cli/check/message-checks.js';
import { VariableChecks } from '../../../src/cli/check/row-checks.js';
import type { Recipient, Value } from '../../../src/domain/recipient.js';
import { compileTemplate } from '../../../src/message/template.js';

function checksOf(parts: { subject?: string; html?: string; text?: string }, renderAll = false): MessageChecks {
  const { subject = 'Hello', html = null, text = null } = parts;
  const source = { name: 'test', subject, html, text: html === null ? (text ?? 'Hi') : text, digest: '' };
  const template = compileTemplate(source);
  return new MessageChecks({ source, template, from: 'me@example.com', replyTo: null, renderAll, unsubscribing: null });
}

function row(line: number, variables: Record<string, Value>): Recipient {
  return { line, address: `r${line}@example.com`, variables: Object.assign(Object.create(null), variables) };
}

describe('the subject of a message', () => {
  it('may have 78 characters, is long with 79 and refused with 999, counted in characters and not in bytes', () => {
    const checks = checksOf({ subject: '{{s}}' });
    for (const [line, length] of [78, 79, 998, 999].entries()) checks.recipient(row(line, { s: '🙂'.repeat(length) }));
    const found = checks.findings().map(({ code, severity, rows }) => [code, severity, rows]);
    expect(found).toEqual([
      ['SUBJECT_TOO_LONG', 'refusal', 1],
      ['SUBJECT_LONG', 'warning', 2],
    ]);
  });

  it('is missed where it is empty', () => {
    const checks = checksOf({ subject: '{{s}}' });
    checks.recipient(row(2, { s: '  ' }));
    expect(checks.findings()).toMatchObject([{ code: 'SUBJECT_EMPTY', samples: [{ line: 2 }] }]);
  });
});

describe('the largest message', () => {
  it('is that of the row with the most text, even far behind those that are composed one by one', () => {
    const checks = checksOf({ text: '{{t}}' });
    for (let line = 2; line < 1_500; line++)
      checks.recipient(row(line, { t: 'x'.repeat(line === 1_400 ? 5_000 : 10) }));
    const largest = checks.largest();
    expect(largest?.line).toBe(1_400);
    expect(largest?.bytes).toBeGreaterThan(5_000);
  });

  it('is worth a warning where Gmail would hide a part of its HTML', () => {
    const checks = checksOf({ html: '<p>{{t}}</p>', text: 'x' });
    checks.recipient(row(2, { t: 'x'.repeat(102_400 - 7) }));
    expect(checks.findings()).toEqual([]);
    checks.recipient(row(3, { t: 'x'.repeat(102_400 - 6) }));
    expect(checks.findings()).toMatchObject([{ code: 'MESSAGE_LARGE', samples: [{ line: 3 }] }]);
  });
});

describe('a row on which the template fails', () => {
  it('is found behind the first thousand, too, where values may have any shape', () => {
    const checks = checksOf({ text: '{{#with who}}{{name}}{{/with}}' }, true);
    for (let line = 1; line <= 1_001; line++) checks.recipient(row(line, { who: { name: 'A' } }));
    for (const line of [1_002, 1_003]) checks.recipient(row(line, { who: { other: 'B' } }));
    const [found, ...more] = checks.findings();
    expect(found).toMatchObject({ severity: 'refusal', code: 'TEMPLATE_RENDER', rows: 2 });
    expect(found?.message).toContain('text.hbs, line 1, column 16');
    expect(found?.samples.map(({ line }) => line)).toEqual([1_002, 1_003]);
    expect(more).toEqual([]);
  });
});

describe('a variable', () => {
  it('is worth a warning where one row in a hundred has it empty, and not below that', () => {
    const checks = new VariableChecks(['a', 'b']);
    for (let line = 1; line <= 200; line++)
      checks.recipient(row(line, { a: line <= 2 ? ' ' : 'x', b: line <= 1 ? '' : 'x' }));
    const found = checks.findings();
    expect(found).toMatchObject([{ severity: 'warning', code: 'VARIABLE_EMPTY', rows: 2 }]);
    expect(found[0]?.message).toBe('2 rows (1.0%) with an empty {{a}}');
  });

  it('is refused where a row has none, and such a row is not complete', () => {
    const checks = new VariableChecks(['a']);
    expect(checks.recipient(row(1, { a: null }))).toBe(true);
    expect(checks.recipient(row(2, { other: 'x' }))).toBe(false);
    expect(checks.findings()[0]).toMatchObject({ severity: 'refusal', code: 'TEMPLATE_ROW_LACKS_VARIABLE', rows: 1 });
  });
});
