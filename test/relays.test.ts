import { expect, it, onTestFinished } from 'vitest';
import type { Campaign, CampaignOptions, RelayIdentity } from '../src/domain/campaign.js';
import { identityOf, parseRelayUrl } from '../src/relay/url.js';
import { createRelays } from '../src/relays.js';
import { type ScriptRelay, startScriptRelay } from './support/script-relay.js';

const NEVER = new AbortController().signal;
const log = { debug() {}, info() {}, warn() {}, error() {} };

/** A relay that takes any login, and what was said to it. */
async function listening(): Promise<ScriptRelay & { readonly said: string[] }> {
  const said: string[] = [];
  const behave = ({ line }: { line: string }) => void said.push(line);
  const relay = await startScriptRelay({ extensions: ['AUTH PLAIN LOGIN'], behave });
  onTestFinished(() => relay.stop());
  return Object.assign(relay, { said });
}

function campaignFor(relay: RelayIdentity): Campaign {
  const options: CampaignOptions = {
    ...{ name: 'c', from: 'a@example.com', replyTo: null, relay, attempts: 1, retryScheduleMs: [1000] },
    ...{
      giveUpMs: 1000,
      onUnknown: 'hold',
      topic: null,
      onDead: 'suppress',
      keepMs: 1000,
      notify: null,
      resultsDir: null,
    },
  };
  return {
    ...{ id: 'c', phase: 'sending', flags: { paused: null, cancelling: false }, round: 1, generation: 1, nonce: 'n' },
    ...{
      salt: 's',
      options,
      totals: null,
      createdAt: 0,
      sealedAt: 0,
      openedAt: 0,
      opening: null,
      rounds: [],
      giveUpAt: null,
      startedAt: 0,
      closedAt: null,
    },
    ...{ endedAt: null, notice: null, retries: 0, forgotten: 0 },
    ...{ heardAt: 0, cancelled: null, opensAt: null, closesAt: null, canary: null, canaryFound: null },
  };
}

it('a worker says its password to its own relay, and to none that a campaign in Redis names instead', async () => {
  const [own, other] = [await listening(), await listening()];
  const settings = parseRelayUrl(`smtp://me:opensesame@127.0.0.1:${own.port}?tls=none`);
  const relays = createRelays({ relays: [settings], connections: 1, log });
  onTestFinished(() => relays.close());
  const identity = identityOf(settings);
  const connect = async (named: RelayIdentity) => {
    const routes = relays.routes(campaignFor(named));
    if (typeof routes === 'string') return routes;
    const [{ relay } = { relay: undefined }] = routes;
    if (!relay) return 'none';
    const taken = await relay.take(1, NEVER);
    if (taken.kind === 'connections') for (const connection of taken.connections) connection.release();
    return taken.kind;
  };

  expect(await connect(identity)).toBe('connections');
  expect(own.said.some((line) => line.startsWith('AUTH'))).toBe(true);
  const before = own.said.length;

  const elsewhere = { ...identity, port: other.port };
  expect(await connect(elsewhere)).toContain('no credentials here');
  for (const change of [{ security: 'opportunistic' }, { user: 'somebodyelse' }, { host: 'localhost' }] as const)
    expect(await connect({ ...identity, ...change }), JSON.stringify(change)).toContain('no credentials here');
  expect(await connect({ ...elsewhere, user: null })).toBe('connections');
  expect(other.said.join()).not.toMatch(/AUTH/);
  expect(own.said).toHaveLength(before);
});
