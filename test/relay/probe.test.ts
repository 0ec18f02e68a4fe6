import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeRelay } from '../../src/relay/probe.js';
import { parseRelayUrl } from '../../src/relay/url.js';
import type { Action, ScriptEvent } from '../support/script-relay.js';
import { NEVER, plainUrl, script } from './setting.js';

let dir: string;
let tls: { key: Buffer; cert: Buffer };

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fanmail-tls-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '9'];
  execFileSync('openssl', [...args, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  tls = { key: readFileSync(key), cert: readFileSync(cert) };
});
afterAll(() => rmSync(dir, { recursive: true }));

const probe = (url: string) => probeRelay(parseRelayUrl(url), NEVER);

describe('a probe of a relay', () => {
  it('tells the extensions without their parameters and the SIZE, sends nothing, and leaves with QUIT', async () => {
    let left: () => void = () => undefined;
    const quit = new Promise<void>((resolve) => {
      left = resolve;
    });
    const stages: string[] = [];
    const server = await script({
      extensions: ['PIPELINING', 'SIZE 5000', 'AUTH PLAIN LOGIN', 'x-own thing', '<script>'],
      behave: ({ stage }: ScriptEvent): Action | undefined => {
        stages.push(stage);
        if (stage === 'quit') left();
        return undefined;
      },
    });
    expect(await probe(plainUrl(server))).toMatchObject({
      ...{ kind: 'probed', tls: null, size: true, sizeLimit: 5000 },
      extensions: ['PIPELINING', 'SIZE', 'AUTH', 'X-OWN'],
    });
    await quit;
    expect(stages).toEqual(['greeting', 'ehlo', 'ehlo', 'quit']);
  });

  it('tells the protocol of TLS, whether the certificate is trusted, and when it ends', async () => {
    const server = await script({ tls: { ...tls, implicit: true } });
    const probed = await probe(`smtps://localhost:${server.port}?verify=false`);
    if (probed.kind !== 'probed') throw new Error(JSON.stringify(probed));
    expect(probed.tls).toMatchObject({ protocol: 'TLSv1.3', trusted: false });
    const days = ((probed.tls?.validTo ?? 0) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(8);
    expect(days).toBeLessThan(9.1);
  });

  it('tells the fault where no session is to be had', async () => {
    const behave = ({ stage }: ScriptEvent) => (stage === 'auth' ? { reply: '535 5.7.8 no' } : undefined);
    const server = await script({ extensions: ['AUTH PLAIN'], behave });
    const url = `smtp://me:opensesame@127.0.0.1:${server.port}?tls=none`;
    expect(await probe(url)).toMatchObject({ kind: 'fault', fault: { cause: 'login', misconfigured: true } });
  });

  it('takes the name by which the relay greets for no extension', async () => {
    const behave = ({ stage }: ScriptEvent) => (stage === 'ehlo' ? { reply: '250-RELAY\r\n250 SIZE 5' } : undefined);
    expect(await probe(plainUrl(await script({ behave })))).toMatchObject({ extensions: ['SIZE'], sizeLimit: 5 });
  });

  it('does without the extensions where EHLO is not answered a second time', async () => {
    let hellos = 0;
    const behave = ({ stage }: ScriptEvent): Action | undefined => {
      if (stage !== 'ehlo') return undefined;
      hellos++;
      return hellos === 2 ? { pieces: [], after: 'destroy' } : undefined;
    };
    const server = await script({ behave });
    expect(await probe(plainUrl(server))).toMatchObject({ kind: 'probed', extensions: null, size: true });
  });
});
