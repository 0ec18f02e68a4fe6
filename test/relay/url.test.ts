import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FanmailError } from '../../src/domain/errors.js';
import { describeRelay, identityOf, matches, parseRelayUrl } from '../../src/relay/url.js';

function refusal(url: string): FanmailError {
  try {
    parseRelayUrl(url);
  } catch (error) {
    if (error instanceof FanmailError) return error;
  }
  throw new Error('it was not refused');
}

describe('the URL of a relay', () => {
  it.each([
    ['smtp://mail.example.com', 25, 'opportunistic', false],
    ['smtp://u:p@mail.example.com', 587, 'starttls', true],
    ['smtps://u:p@mail.example.com', 465, 'tls', true],
    ['smtps://mail.example.com:4650?verify=false', 4650, 'tls', false],
    ['smtp://mail.example.com:2525?tls=none', 2525, 'plain', false],
    ['smtp://u:p@mail.example.com?tls=opportunistic', 587, 'opportunistic', false],
    ['smtp://u:p@mail.example.com?tls=none', 587, 'plain', false],
    ['smtp://mail.example.com?tls=required', 25, 'starttls', true],
    ['smtp://mail.example.com?verify=true', 25, 'opportunistic', true],
  ])('%s: port %i, %s, certificate checked: %s', (url, port, security, verify) => {
    expect(parseRelayUrl(url)).toMatchObject({ host: 'mail.example.com', port, security, verify });
  });

  it('has user and password in percent codes, and options', () => {
    expect(
      parseRelayUrl(
        'smtp://a%40b:p%3A%2F%23%25@Mail.Example.com:26?name=me.example.com&pipelining=false&weight=7&spare=true',
      ),
    ).toEqual({
      host: 'mail.example.com',
      port: 26,
      security: 'starttls',
      verify: true,
      login: { user: 'a@b', password: 'p:/#%' },
      name: 'me.example.com',
      pipelining: false,
      weight: 7,
      spare: true,
    });
    expect(parseRelayUrl('smtp://[::1]:2525')).toMatchObject({
      host: '::1',
      port: 2525,
      login: null,
      name: null,
      pipelining: true,
      weight: 1,
      spare: false,
    });
  });

  it.each([
    ['mail.example.com', 'no URL'],
    ['http://u:sEcret@h', 'http:'],
    ['smtp://', 'no '],
    ['smtp://u:sEcret@h:70000', 'port 70000'],
    ['smtp://u:sEcret@h:0', 'port 0'],
    ['smtp://u:sEcret@h/path', 'path'],
    ['smtp://u:sEcret@h#x', '#'],
    ['smtp://u:sEcret%zz@h', 'password has a %'],
    ['smtp://u@h', 'no password'],
    ['smtp://:sEcret@h', 'no user name'],
    ['smtp://u:sEcret@h?tls=maybe', 'tls="maybe"'],
    ['smtp://u:sEcret@h?verify=no', 'verify="no"'],
    ['smtp://u:sEcret@h?pipelining=', 'pipelining=""'],
    ['smtp://u:sEcret@h?name=a%20b', 'name="a b"'],
    ['smtp://u:sEcret@h?name=a%0d%0aMAIL', 'name='],
    ['smtp://u:sEcret@h?secure=true', 'unknown option "secure"'],
    ['smtp://u:sEcret@h?tls=none&tls=required', 'twice'],
    ['smtps://u:sEcret@h?tls=none', 'smtps'],
    ['smtp://u:sEcret@a b', 'no URL'],
    ['smtp://u:?sEcret@h', 'an @ stands after the host'],
    ['smtp://u:65?sEcret=1@h', 'an @ stands after the host'],
    ['smtp://u:65/sEcret@h', 'an @ stands after the host'],
    ['smtp://u:65#sEcret@h', 'an @ stands after the host'],
  ])('%s is refused, and says why without the password', (url, why) => {
    const error = refusal(url);
    expect(error.code).toBe('RELAY_URL');
    expect(error.message).toContain(why);
    expect(error.hint).toBeTruthy();
    expect(`${error.message} ${error.hint} ${error.stack} ${String(error.cause)}`).not.toContain('sEcret');
  });

  it('never takes the beginning of a password for a port, or its rest for an option, and shows nothing of it', () => {
    expect(refusal('smtp://u:123456/x@h').message).not.toContain('123456');
    const piece = fc.constantFrom(
      '@',
      ':',
      '/',
      '?',
      '#',
      '%',
      ' ',
      '&',
      '=',
      '[',
      '"',
      '\\',
      '65',
      '123456',
      'sEcret',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), fc.constantFrom('smtp', 'smtps'), (pieces, scheme) => {
        try {
          parseRelayUrl(`${scheme}://u:${pieces.join('')}@h`);
        } catch (error) {
          if (!(error instanceof FanmailError)) throw error;
          expect(`${error.message} ${error.hint} ${error.stack} ${String(error.cause)}`).not.toMatch(/sEcret|123456/);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('says what is allowed', () => {
    expect(refusal('smtp://h?tls=x').hint).toBe('Allowed for tls: required, opportunistic, none.');
    expect(refusal('smtp://h?x=y').hint).toBe('Options: tls, verify, name, pipelining, weight, spare.');
  });
});

describe('the identity of a relay', () => {
  it('tells where and how, and the user only as a hash', () => {
    const identity = identityOf(parseRelayUrl('smtp://somebody:sEcret@mail.example.com'));
    // printf somebody | sha256sum
    expect(identity).toEqual({ host: 'mail.example.com', port: 587, security: 'starttls', user: '729d7d638cef' });
    expect(describeRelay(identity)).toBe('mail.example.com:587 (STARTTLS)');
    expect(describeRelay(identityOf(parseRelayUrl('smtp://[::1]:25?tls=none')))).toBe('[::1]:25 (no encryption)');
  });

  it('matches the same relay and user, whatever the password, and no other', () => {
    const identity = identityOf(parseRelayUrl('smtp://u:p@h'));
    expect(matches(parseRelayUrl('smtp://u:q@h:587?verify=false'), identity)).toBe(true);
    for (const other of [
      'smtp://v:p@h',
      'smtp://u:p@i',
      'smtp://u:p@h:25',
      'smtp://u:p@h?tls=none',
      'smtp://h:587?tls=required',
    ])
      expect(matches(parseRelayUrl(other), identity)).toBe(false);
  });
});
