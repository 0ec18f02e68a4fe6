import { describe, expect, it } from 'vitest';
import { UNSUBSCRIBE_OPTIONS } from '../../src/config/unsubscribe-options.js';

const url = (text: string) => UNSUBSCRIBE_OPTIONS.unsubscribeUrl.schema.parse(text).value;
const listen = (text: string) => UNSUBSCRIBE_OPTIONS.listen.schema.parse(text).value;

describe('where links to unsubscribe lead', () => {
  it.each([
    ['https://news.example.com', 'https://news.example.com'],
    ['https://news.example.com/', 'https://news.example.com'],
    ['https://news.example.com/u/', 'https://news.example.com/u'],
    ['HTTPS://News.Example.com:8443/a/b//', 'https://news.example.com:8443/a/b'],
    ['https://bücher.example/ü', 'https://xn--bcher-kva.example/%C3%BC'],
    ['http://localhost:8080/u', 'http://localhost:8080/u'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://[::1]:8080/u', 'http://[::1]:8080/u'],
    ['https://example.com/a<b>"c d', 'https://example.com/a%3Cb%3E%22c%20d'],
  ])('%s is %s', (text, base) => {
    expect(url(text)).toBe(base);
  });

  it.each([
    'news.example.com/u',
    'http://news.example.com/u',
    'http://localhost.example.com/u',
    'http://127.0.0.1.example.com/u',
    'ftp://localhost/u',
    'javascript:alert(1)',
    'https://user@news.example.com/u',
    'https://:secret@news.example.com/u',
    'https://news.example.com/u?',
    'https://news.example.com/u?t=1',
    'https://news.example.com/u#',
    'https://',
    `https://news.example.com/${'x'.repeat(477)}`,
  ])('%s is refused', (text) => {
    expect(url(text)).toBeUndefined();
  });
});

describe('where to listen', () => {
  it.each([
    ['8080', '127.0.0.1', 8080],
    ['0', '127.0.0.1', 0],
    ['10.0.0.5:80', '10.0.0.5', 80],
    ['localhost:65535', 'localhost', 65_535],
    ['[::1]:8080', '::1', 8080],
  ])('%s is %s, port %i', (text, host, port) => {
    expect(listen(text)).toEqual({ host, port });
  });

  it.each(['', ':8080', '65536', 'localhost', '::1:8080', 'http://localhost:8080', '127.0.0.1:', '1 2', '-1'])(
    '"%s" is refused',
    (text) => {
      expect(listen(text)).toBeUndefined();
    },
  );
});
