import { expect, it } from 'vitest';
import { bulkFindings } from '../../../src/cli/check/bulk-checks.js';

const codes = (...given: Parameters<typeof bulkFindings>) => bulkFindings(...given).map(({ code }) => code);

it('who sends to many is told where nobody can unsubscribe', () => {
  expect(codes(100, null)).toEqual(['NO_UNSUBSCRIBE']);
  expect(bulkFindings(12_345, null)[0]?.message).toBe('12,345 recipients have no way to unsubscribe');
  expect(codes(99, null)).toEqual([]);
  expect(codes(100, { url: null, mailto: 'stop@example.com' })).toEqual([]);
  expect(codes(100_000, { url: 'https://news.example.com/u', mailto: null })).toEqual([]);
});
