import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { dnsFindings } from '../../../../src/cli/check/dns/dns-checks.js';
import { type DnsServer, startDns, type Zone } from '../../../support/dns.js';

const servers: DnsServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(zone: Zone): Promise<DnsServer> {
  const server = await startDns(zone);
  servers.push(server);
  return server;
}

/** What the last server was asked. */
const asked = () => servers.at(-1)?.asked ?? [];

const TOP: Zone = { shop: { NS: ['ns.nic.shop'] } };
const MAIL: Zone[string] = { MX: ['mx.fan.shop'], TXT: ['v=spf1 ip4:192.0.2.1 -all'] };
const GOOD: Zone = { ...TOP, 'fan.shop': MAIL, '_dmarc.fan.shop': { TXT: ['v=DMARC1; p=reject'] } };

interface Asked {
  readonly domain?: string;
  readonly keys?: readonly { domain: string; selector: string; publicKey: KeyObject }[];
}

/** The findings about a sender of fan.shop, each as `CODE message`. */
async function found(zone: Zone, { domain = 'fan.shop', keys = [] }: Asked = {}): Promise<string[]> {
  const server = await serve(zone);
  const findings = await dnsFindings({ domain, keys, dns: { server: server.address } });
  return findings.map(({ code, message }) => `${code} ${message}`);
}

const codes = async (zone: Zone, asked?: Asked) => (await found(zone, asked)).map((one) => one.split(' ')[0]);
const withSpf = (...records: string[]): Zone => ({ ...GOOD, 'fan.shop': { ...(MAIL as object), TXT: records } });
const withDmarc = (...records: string[]): Zone => ({ ...GOOD, '_dmarc.fan.shop': { TXT: records } });

describe('a sender whose DNS is in order', () => {
  it('has no findings, and every question is asked once', async () => {
    expect(await found(GOOD)).toEqual([]);
    expect([...asked()].sort()).toEqual([
      'A fan.shop',
      'AAAA fan.shop',
      'MX fan.shop',
      'TXT _dmarc.fan.shop',
      'TXT _dmarc.shop',
      'TXT fan.shop',
    ]);
  });
});

describe('SPF', () => {
  it('is missed where no TXT record is one', async () => {
    expect(await found(withSpf('v=spf10 -all', 'site-verification=1'))).toEqual([
      'SPF_MISSING fan.shop has no SPF record',
    ]);
  });

  it('is read from a record of several strings, in any case', async () => {
    const zone = { ...GOOD, 'fan.shop': { MX: ['mx.fan.shop'], TXT: [['V=SPF1 ip4:192.', '0.2.1 -ALL']] } };
    expect(await found(zone)).toEqual([]);
  });

  it('is wrong where there are two records, or a word that SPF does not know', async () => {
    expect(await found(withSpf('v=spf1 -all', 'v=spf1 mx -all'))).toEqual([
      'SPF_INVALID fan.shop has 2 SPF records, where one may be',
    ]);
    expect(await found(withSpf('v=spf1 ipv4:192.0.2.1 -all'))).toEqual([
      'SPF_INVALID the SPF record of fan.shop holds "ipv4:192.0.2.1", which SPF does not know',
    ]);
  });

  it('knows every mechanism and modifier of RFC 7208', async () => {
    const zone = {
      ...withSpf('v=spf1 +a ?mx/24 a:fan.shop/24//64 ptr ip6:2001:db8::/32 exists:%{i}.fan.shop exp=why.fan.shop ~all'),
    };
    expect(await found(zone)).toEqual([]);
  });

  it('is warned of where it lets everybody send', async () => {
    expect(await codes(withSpf('v=spf1 mx +all'))).toEqual(['SPF_PASSES_ALL']);
    expect(await codes(withSpf('v=spf1 all'))).toEqual(['SPF_PASSES_ALL']);
    expect(await codes(withSpf('v=spf1 mx ?all'))).toEqual([]);
  });

  it('counts lookups through includes and redirects: ten are fine, eleven are not', async () => {
    const includes = (mechanisms: string): Zone => ({
      ...withSpf('v=spf1 include:a.fan.shop redirect=b.fan.shop'),
      'a.fan.shop': {
        TXT: [
          'v=spf1 a mx exists:x.fan.shop ptr ip4:192.0.2.1 redirect=ignored.fan.shop -all include:ignored.fan.shop',
        ],
      },
      'b.fan.shop': { TXT: [`v=spf1 ${mechanisms} -all redirect=ignored.fan.shop`] },
    });
    expect(await found(includes('a:1.fan.shop a:2.fan.shop a:3.fan.shop mx'))).toEqual([]);
    expect(await found(includes('a:1.fan.shop a:2.fan.shop a:3.fan.shop mx a'))).toEqual([
      'SPF_INVALID the SPF record of fan.shop needs more than 10 lookups with all that it includes',
    ]);
  });

  it('ends where a record includes itself', async () => {
    expect(await codes(withSpf('v=spf1 include:fan.shop -all'))).toEqual(['SPF_INVALID']);
    expect(asked().filter((one) => one === 'TXT fan.shop')).toHaveLength(1);
  });

  it('is wrong where it includes what has no record, and not where nobody answers about that', async () => {
    expect(await found(withSpf('v=spf1 include:gone.fan.shop -all'))).toEqual([
      'SPF_INVALID the SPF record of fan.shop includes gone.fan.shop, which has not one SPF record',
    ]);
    const silent: Zone = { ...withSpf('v=spf1 include:_spf.fan.shop -all'), '_spf.fan.shop': 'servfail' };
    expect(await found(silent)).toEqual(['DNS_NO_ANSWER the DNS gave no answer (ESERVFAIL) about _spf.fan.shop']);
  });
});

describe('DMARC', () => {
  it('is missed where neither the domain nor one above has a record', async () => {
    expect(await found(withDmarc('v=spf1 -all'))).toEqual([
      'DMARC_MISSING fan.shop has no DMARC record, nor has a domain above it',
    ]);
  });

  it('is noted where the policy only watches', async () => {
    expect(await found(withDmarc('v=DMARC1; p=none; rua=mailto:d@fan.shop'))).toEqual([
      'DMARC_POLICY_NONE the DMARC policy for fan.shop only watches (p=none)',
    ]);
    expect(await codes(withDmarc('v=DMARC1;p=QUARANTINE; p=none'))).toEqual([]);
  });

  it('is wrong with two records, without a policy, or with one that there is not', async () => {
    expect(await found(withDmarc('v=DMARC1; p=none', 'v=DMARC1; p=reject'))).toEqual([
      'DMARC_INVALID _dmarc.fan.shop has more than one DMARC record',
    ]);
    expect(await found(withDmarc('v=DMARC1; rua=mailto:d@fan.shop'))).toEqual([
      'DMARC_INVALID the DMARC record of fan.shop has no policy',
    ]);
    expect(await found(withDmarc('v=DMARC1; p=deny'))).toEqual([
      'DMARC_INVALID the DMARC record of fan.shop has the policy "deny"',
    ]);
  });

  it('is found above the domain, whose record says with sp= what holds below', async () => {
    const below = (record: string): Zone => ({ ...withDmarc(record), 'news.fan.shop': MAIL });
    expect(await codes(below('v=DMARC1; p=reject'), { domain: 'news.fan.shop' })).toEqual([]);
    expect(await codes(below('v=DMARC1; p=reject; sp=none'), { domain: 'news.fan.shop' })).toEqual([
      'DMARC_POLICY_NONE',
    ]);
  });

  it('goes by the record of the domain itself, then of its organization, then of the public suffix', async () => {
    const domain = 'news.fan.shop';
    const none = { TXT: ['v=DMARC1; p=none'] };
    const own: Zone = { ...GOOD, [domain]: MAIL, [`_dmarc.${domain}`]: none };
    expect(await codes(own, { domain })).toEqual(['DMARC_POLICY_NONE']);
    const suffix: Zone = { ...GOOD, [domain]: MAIL, '_dmarc.shop': { TXT: ['v=DMARC1; p=none; psd=y'] } };
    expect(await codes(suffix, { domain })).toEqual([]);
    const { '_dmarc.fan.shop': _, ...bare } = suffix;
    expect(await codes(bare, { domain })).toEqual(['DMARC_POLICY_NONE']);
  });

  it('asks for eight names at most, those nearest to the root and the domain itself', async () => {
    const domain = 'a.b.c.d.e.f.g.fan.shop';
    expect(await codes({ ...GOOD, [domain]: MAIL }, { domain })).toEqual([]);
    const walked = asked().filter((one) => one.startsWith('TXT _dmarc.'));
    expect(walked).toHaveLength(8);
    expect(walked).toContain(`TXT _dmarc.${domain}`);
    expect(walked).not.toContain('TXT _dmarc.b.c.d.e.f.g.fan.shop');
    expect(walked).toContain('TXT _dmarc.c.d.e.f.g.fan.shop');
  });
});

describe('where answers go', () => {
  const domain = (held: Zone[string]): Zone => ({ ...GOOD, 'fan.shop': { ...(held as object), TXT: ['v=spf1 -all'] } });

  it('may be an MX record or an address of either version', async () => {
    expect(await found(domain({ A: ['192.0.2.1'] }))).toEqual([]);
    expect(await found(domain({ AAAA: ['::1'] }))).toEqual([]);
  });

  it('is warned of where there is neither, or where the domain says that it takes no mail', async () => {
    expect(await found(domain({}))).toEqual([
      "SENDER_TAKES_NO_MAIL the sender's domain fan.shop has neither an MX record nor an address",
    ]);
    expect(await found(domain({ MX: ['.'], A: ['192.0.2.1'] }))).toEqual([
      "SENDER_TAKES_NO_MAIL the sender's domain fan.shop says that it takes no mail (a null MX)",
    ]);
  });
});

describe('where answers go, asked of a DNS that fails', () => {
  it.each([{ MX: 'servfail' }, { AAAA: 'servfail' }] as const)('is not warned of: %o', async (held) => {
    const zone: Zone = { ...GOOD, 'fan.shop': { ...held, TXT: ['v=spf1 -all'] } };
    expect(await codes(zone)).toEqual(['DNS_NO_ANSWER']);
  });
});

describe('a domain that is not there', () => {
  it('is the one finding', async () => {
    expect(await found(TOP)).toEqual(["SENDER_DOMAIN_UNKNOWN the DNS knows no domain fan.shop, which is the sender's"]);
  });

  it('is not said to be so by a DNS that denies the whole world', async () => {
    expect(await found({})).toEqual([
      'DNS_NO_ANSWER the DNS here knows nothing of .shop, so that fan.shop was not looked up',
    ]);
  });
});

describe('a DKIM key', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
  const ed25519 = generateKeyPairSync('ed25519').publicKey;
  const der = (key: KeyObject, type: 'spki' | 'pkcs1' = 'spki') => key.export({ type, format: 'der' });
  const rsaP = der(rsa).toString('base64');
  const keyed = (...records: (string | readonly string[])[]): Zone =>
    records.length === 0 ? GOOD : { ...GOOD, 's1._domainkey.fan.shop': { TXT: records } };
  const signed = (zone: Zone, publicKey = rsa) =>
    found(zone, { keys: [{ domain: 'fan.shop', selector: 's1', publicKey }] });
  const other = 'DKIM_RECORD_WRONG s1._domainkey.fan.shop has another key than the one that signs';

  it('is fine where the record has it, in any form and with blanks in it', async () => {
    const strings = [`v=DKIM1; k=rsa; p=${rsaP.slice(0, 100)}`, ` ${rsaP.slice(100)}`];
    expect(await signed(keyed(strings))).toEqual([]);
    expect(await signed(keyed(`p=${der(rsa, 'pkcs1').toString('base64')}`))).toEqual([]);
    const raw = der(ed25519).subarray(-32).toString('base64');
    expect(await signed(keyed(`v=DKIM1; k=ed25519; h=sha1:sha256; s=email; p=${raw}`), ed25519)).toEqual([]);
    expect(await signed(keyed(`v=DKIM1; s=*; p=${rsaP}`))).toEqual([]);
  });

  it('is missed where there is no record, with the one to publish as the way out', async () => {
    const server = await serve(GOOD);
    const keys = [{ domain: 'fan.shop', selector: 's1', publicKey: rsa }];
    const findings = await dnsFindings({ domain: 'fan.shop', keys, dns: { server: server.address } });
    expect(findings).toMatchObject([
      { code: 'DKIM_RECORD_MISSING', message: 'there is no DKIM key at s1._domainkey.fan.shop' },
    ]);
    expect(findings[0]?.hint).toContain(`v=DKIM1; k=rsa; p=${rsaP}`);
    expect(await signed(keyed('v=DKIM2; p=AAAA', 'v=spf1 -all'))).toEqual([
      'DKIM_RECORD_MISSING there is no DKIM key at s1._domainkey.fan.shop',
    ]);
  });

  it('is wrong where the record is revoked, or has another key or kind, or does not allow it', async () => {
    expect(await signed(keyed('v=DKIM1; p='))).toEqual([
      'DKIM_RECORD_WRONG s1._domainkey.fan.shop says that this key is revoked (an empty p=)',
    ]);
    expect(await signed(keyed(`v=DKIM1; p=${rsaP.replace(/.{8}$/, 'AAAAAAAA')}`))).toEqual([other]);
    expect(await signed(keyed(`v=DKIM1; k=ed25519; p=${rsaP}`))).toEqual([other]);
    expect(await signed(keyed(`v=DKIM1; p=${rsaP}`), ed25519)).toEqual([other]);
    expect(await signed(keyed(`v=DKIM1; h=sha1; p=${rsaP}`))).toEqual([
      'DKIM_RECORD_WRONG s1._domainkey.fan.shop does not allow SHA-256 (h=), by which messages are signed',
    ]);
    expect(await signed(keyed(`v=DKIM1; s=tlsrpt; p=${rsaP}`))).toEqual([
      'DKIM_RECORD_WRONG s1._domainkey.fan.shop is not for email (s=)',
    ]);
    expect(await signed(keyed(`p=${rsaP}`, 'p='))).toEqual([
      'DKIM_RECORD_WRONG s1._domainkey.fan.shop has 2 keys, where one may be',
    ]);
  });

  it('is not said to be missing where nobody answers', async () => {
    expect(await signed({ ...GOOD, 's1._domainkey.fan.shop': 'servfail' })).toEqual([
      'DNS_NO_ANSWER the DNS gave no answer (ESERVFAIL) about s1._domainkey.fan.shop',
    ]);
  });

  describe('of another domain', () => {
    /** The sender is of fan.shop or below, the key of `signing`, and its record is in order. */
    const aligned = async (signing: string, zone: Zone, domain = 'fan.shop') => {
      const record = { [`s1._domainkey.${signing}`]: { TXT: [`p=${rsaP}`] } };
      const keys = [{ domain: signing, selector: 's1', publicKey: rsa }];
      return codes({ ...zone, ...record, [domain]: MAIL }, { domain, keys });
    };

    it('is aligned within the organization, up, down and aside', async () => {
      expect(await aligned('mail.fan.shop', GOOD)).toEqual([]);
      expect(await aligned('fan.shop', GOOD, 'news.fan.shop')).toEqual([]);
      expect(await aligned('mail.fan.shop', GOOD, 'news.fan.shop')).toEqual([]);
    });

    it('is not aligned with another organization, nor within one that asks for the same domain', async () => {
      expect(await aligned('other.shop', GOOD)).toEqual(['DKIM_OTHER_DOMAIN']);
      const strict = withDmarc('v=DMARC1; p=reject; adkim=s');
      expect(await aligned('mail.fan.shop', strict)).toEqual(['DKIM_OTHER_DOMAIN']);
      expect(await aligned('fan.shop', strict)).toEqual([]);
    });

    it('goes by psd=: what is below a public suffix is an organization, and what says n is one', async () => {
      const suffix: Zone = {
        ...withDmarc('v=DMARC1; p=reject; psd=y'),
        'one.fan.shop': MAIL,
      };
      expect(await aligned('two.fan.shop', suffix, 'one.fan.shop')).toEqual(['DKIM_OTHER_DOMAIN']);
      expect(await aligned('mail.one.fan.shop', suffix, 'one.fan.shop')).toEqual([]);
      const apart: Zone = {
        ...GOOD,
        '_dmarc.shop': { TXT: ['v=DMARC1; p=none'] },
        '_dmarc.news.fan.shop': { TXT: ['v=DMARC1; p=reject; psd=n'] },
      };
      expect(await aligned('fan.shop', apart, 'news.fan.shop')).toEqual(['DKIM_OTHER_DOMAIN']);
    });

    it('is not held against the organization where there is no DMARC that could count it', async () => {
      const { '_dmarc.fan.shop': _, ...bare } = GOOD;
      expect(await aligned('fan.shop', bare, 'news.fan.shop')).toEqual(['DMARC_MISSING']);
    });

    it('is fine beside one that is aligned', async () => {
      const keys = ['other.shop', 'fan.shop'].map((domain) => ({ domain, selector: 's1', publicKey: rsa }));
      const zone = { ...keyed(`p=${rsaP}`), 's1._domainkey.other.shop': { TXT: [`p=${rsaP}`] } };
      expect(await found(zone, { keys })).toEqual([]);
    });

    it('is told by the name alone where the DNS is not asked', async () => {
      const told = async (domain: string) => {
        const keys = [{ domain, selector: 's1', publicKey: rsa }];
        return (await dnsFindings({ domain: 'news.fan.shop', keys, dns: 'off' })).map(({ code }) => code);
      };
      expect(await told('mail.fan.shop')).toEqual([]);
      expect(await told('other.shop')).toEqual(['DKIM_OTHER_DOMAIN']);
    });
  });
});

describe('a DNS that gives no answer', () => {
  it('is one note, within two seconds, and nothing is warned of', { timeout: 10_000 }, async () => {
    const names = ['fan.shop', '_dmarc.fan.shop', '_dmarc.shop'];
    const started = performance.now();
    expect(await found(Object.fromEntries(names.map((name) => [name, 'silent'])))).toEqual([
      'DNS_NO_ANSWER no DNS can be reached (ETIMEOUT)',
    ]);
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  it('is the same where nobody listens', async () => {
    const { address, close } = await startDns({});
    await close();
    const findings = await dnsFindings({ domain: 'fan.shop', keys: [], dns: { server: address } });
    expect(findings).toMatchObject([{ severity: 'note', code: 'DNS_NO_ANSWER' }]);
  });

  it('about some names still tells what it says of the others', async () => {
    const zone: Zone = { ...TOP, 'fan.shop': MAIL, '_dmarc.fan.shop': 'servfail', '_dmarc.shop': { TXT: [] } };
    expect(await found(zone)).toEqual(['DNS_NO_ANSWER the DNS gave no answer (ESERVFAIL) about _dmarc.fan.shop']);
    expect(await codes({ ...zone, 'fan.shop': { MX: ['mx.fan.shop'] } })).toEqual(['SPF_MISSING', 'DNS_NO_ANSWER']);
  });

  it('may answer with what is no answer', async () => {
    const zone: Zone = { ...GOOD, 'fan.shop': 'garbage' };
    expect(await codes(zone)).toEqual(['DNS_NO_ANSWER']);
  });
});

describe('an answer of a stranger', () => {
  it('is quoted in printable characters, and not whole', async () => {
    const [finding = ''] = await found(withSpf(`v=spf1 \x1b[31m\x07${'x'.repeat(200)} -all`));
    expect(finding).toMatch(/^SPF_INVALID .* "\[31m x+…", which SPF does not know$/);
    expect(finding.length).toBeLessThan(140);
  });

  it('is read up to fifty records', async () => {
    const records = Array.from({ length: 51 }, (_, i) => (i < 50 ? `${i}` : 'v=spf1 -all'));
    expect(await codes(withSpf(...records))).toEqual(['SPF_MISSING']);
    expect(await codes(withSpf(...records.slice(1)))).toEqual([]);
  });
});

describe('nobody is asked', () => {
  it('with off, and of the system about names for examples and tests', async () => {
    expect(await dnsFindings({ domain: 'fan.shop', keys: [], dns: 'off' })).toEqual([]);
    for (const domain of [
      'example.com',
      'news.example.org',
      'fan.test',
      'localhost',
      'a.local',
      'x.home.arpa',
      'b.internal',
    ]) {
      expect(await dnsFindings({ domain, keys: [], dns: 'system' })).toEqual([]);
    }
  });
});
