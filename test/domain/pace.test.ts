import { expect, it } from 'vitest';
import { domainOf, groupOf, PROVIDERS } from '../../src/domain/pace.js';

it.each([
  ['gmail.com', 'gmail.com'],
  ['googlemail.com', 'gmail.com'],
  ['hotmail.co.uk', 'outlook.com'],
  ['outlook.fr', 'outlook.com'],
  ['yahoo.com.br', 'yahoo.com'],
  ['yahoo.de', 'yahoo.com'],
  ['yahoo.example.com', 'yahoo.example.com'],
  ['notgmail.com', 'notgmail.com'],
  ['example.com', 'example.com'],
  ['constructor', 'constructor'],
])('%s counts with %s', (domain, group) => {
  expect(groupOf(domain)).toBe(group);
});

it('the operator’s own groups come first', () => {
  expect(groupOf('example.org', { 'example.org': 'gmail.com' })).toBe('gmail.com');
  expect(groupOf('googlemail.com', { 'googlemail.com': 'googlemail.com' })).toBe('googlemail.com');
});

it('no domain stands twice in the table', () => {
  const all = PROVIDERS.flat();
  expect(new Set(all).size).toBe(all.length);
});

it('the domain of an address is behind its last @', () => {
  expect(domainOf('"a@b"@example.com')).toBe('example.com');
});
