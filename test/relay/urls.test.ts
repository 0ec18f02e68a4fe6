import { expect, it } from 'vitest';
import { parseRelayUrls } from '../../src/relay/urls.js';

it.each([
  ['smtp://a.test', ['a.test 1 false']],
  ['smtp://a.test?weight=3  smtps://b.test?spare=true', ['a.test 3 false', 'b.test 1 true']],
  ['smtp://a.test,smtp://b.test:2525', ['a.test 1 false', 'b.test 1 false']],
  [' smtp://a.test\n\tSMTP://u:p%2C%20x@b.test ', ['a.test 1 false', 'b.test 1 false']],
])('%j are relays', (text, expected) => {
  expect(parseRelayUrls(text).map(({ host, weight, spare }) => `${host} ${weight} ${spare}`)).toEqual(expected);
});

it('a comma or a blank in a password stays in it', () => {
  expect(parseRelayUrls('smtp://u:p%2Cq%20r@a.test smtp://b.test')[0].login?.password).toBe('p,q r');
});

it.each([
  ['smtp://a.test smtp://a.test:25', 'a.test:25 stands there twice'],
  ['smtp://a.test?spare=true smtp://b.test?spare=true', 'all relays are spare'],
  ['smtp://a.test?weight=0', 'weight="0" is not possible'],
  ['smtp://a.test?weight=1001', 'Allowed for weight: a whole number from 1 to 1000.'],
  ['smtp://a.test?spare=yes', 'spare="yes" is not possible'],
  [Array.from({ length: 21 }, (_, n) => `smtp://r${n}.test`).join(' '), 'it names 21 relays'],
])('%j: %s', (text, expected) => {
  try {
    parseRelayUrls(text);
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint: string };
    expect(code).toBe('RELAY_URL');
    expect(`${message} ${hint}`).toContain(expected);
    return;
  }
  throw new Error('it was taken');
});
