import { describe, expect, it } from 'vitest';
import { createSigners } from '../src/dkim.js';
import type { DkimIdentity } from '../src/domain/dkim.js';
import { CAMPAIGN } from './cli/view/views.js';
import { BOTH, keysOf, newKey } from './support/dkim.js';

const campaignOf = (dkim: readonly DkimIdentity[]) => ({ options: { ...CAMPAIGN.options, dkim } });
const keys = keysOf(BOTH);
const [rsa, ed25519] = keys.map(({ identity }) => identity) as [DkimIdentity, DkimIdentity];

describe('the keys of a worker', () => {
  it('sign a campaign that was launched with them, each of them or some', () => {
    const signers = createSigners(keys);
    for (const dkim of [[rsa, ed25519], [ed25519]]) {
      expect(signers.lacks(campaignOf(dkim))).toBeNull();
      expect(signers.of(campaignOf(dkim))?.room).toBeGreaterThan(100);
    }
    expect(signers.trouble()).toBeNull();
  });

  it('sign no campaign that was launched without any', () => {
    expect(createSigners(keys).of(CAMPAIGN)).toBeNull();
    expect(createSigners([]).lacks(CAMPAIGN)).toBeNull();
  });

  it('that are not there keep a campaign from being sent, and the worker says so', () => {
    const signers = createSigners(keys.slice(0, 1));
    const why = signers.lacks(campaignOf([rsa, ed25519]));
    expect(why).toMatch(/^no DKIM key here for s2\._domainkey\.example\.com: .*FANMAIL_DKIM/);
    expect(signers.trouble()).toBe(why);
    expect(() => signers.of(campaignOf([rsa, ed25519]))).toThrow('no DKIM key here');
  });

  it('that are others under the same name do so, too', () => {
    const signers = createSigners(keysOf(`example.com:s1=${newKey('rsa', 1024).pem}`));
    expect(signers.lacks(campaignOf([rsa]))).toMatch(/^another DKIM key here than the campaign’s for s1\._domainkey/);
    const asOther = createSigners(keys).lacks(campaignOf([{ ...rsa, algorithm: 'ed25519-sha256' }]));
    expect(asOther).toMatch(/^another DKIM key/);
  });
});
