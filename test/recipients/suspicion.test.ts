import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRoleAddress, likelyDomain } from '../../src/recipients/suspicion.js';

describe('the domain that was probably meant', () => {
  it.each([
    ['gmial.com', 'gmail.com'],
    ['gmal.com', 'gmail.com'],
    ['gmaill.com', 'gmail.com'],
    ['gnail.com', 'gmail.com'],
    ['gmail.con', 'gmail.com'],
    ['gmail.co', 'gmail.com'],
    ['gmai.co', 'gmail.com'],
    ['hotmial.com', 'hotmail.com'],
    ['yaho.com', 'yahoo.com'],
    ['outlok.com', 'outlook.com'],
    ['gmx.ed', 'gmx.de'],
  ])('of %s is %s', (typo, meant) => {
    expect(likelyDomain(`ada@${typo}`)).toBe(meant);
  });

  it.each([
    'gmail.com',
    'mail.com',
    'email.com',
    'ymail.com',
    'cloud.com',
    'gmx.net',
    'gmx.at',
    'yahoo.se',
    'aol.com',
    'example.com',
    'gmail.example.com',
  ])('is its own for %s, which is as good as any', (domain) => {
    expect(likelyDomain(`ada@${domain}`)).toBeNull();
  });

  it('is found for any one letter that is left out, added or swapped in a long one', () => {
    const where = fc.integer({ min: 1, max: 8 });
    const letter = fc.constantFrom(...'bcdfjkpqvwxz');
    fc.assert(
      fc.property(where, letter, (at, other) => {
        const domain = 'googlemail.com';
        const without = domain.slice(0, at) + domain.slice(at + 1);
        const changed = domain.slice(0, at) + other + domain.slice(at + 1);
        const more = domain.slice(0, at) + other + domain.slice(at);
        for (const typo of [without, changed, more]) expect(likelyDomain(`a@${typo}`)).toBe(domain);
      }),
    );
  });

  it('is not found two letters away', () => {
    expect(likelyDomain('ada@gogglemall.com')).toBeNull();
  });
});

describe('the address of a function', () => {
  it.each(['info@example.com', 'Postmaster@example.com', 'no-reply@example.com', 'sales+spring@example.com'])(
    'is %s',
    (address) => expect(isRoleAddress(address)).toBe(true),
  );

  it.each(['ada@example.com', 'infos@example.com', 'ada@info.com', '+sales@example.com', '"info@x"@example.com'])(
    'is not %s',
    (address) => expect(isRoleAddress(address)).toBe(false),
  );
});
