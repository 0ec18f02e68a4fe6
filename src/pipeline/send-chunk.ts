import type { AttachedFile, EncodedContents } from '../domain/attached-file.js';
import type { Campaign } from '../domain/campaign.js';
import type { Recipient } from '../domain/recipient.js';
import { isFinal, stateOfByte } from '../domain/state.js';
import type { ChunkSignals, ChunkWorkerPorts } from './chunk-ports.js';
import type { ClaimedChunk } from './ports.js';
import type { Composer } from './relay-ports.js';
import type { Routing, Way } from './routing.js';
import { type SendStop, sendOpen } from './send-open.js';

export interface ChunkToSend {
  readonly chunk: ClaimedChunk;
  readonly campaign: Campaign;
  readonly way: Way;
  /** The other relays of the campaign. */
  readonly routing: Routing;
  readonly ports: ChunkWorkerPorts;
  readonly signals: ChunkSignals;
}

export interface Sent {
  /** Under the last fence that this run had. */
  readonly chunk: ClaimedChunk;
  readonly stop: SendStop;
}

const SENT_ALL: SendStop = { kind: 'sent-all' };

/** Sends what is open in a claimed chunk: through one relay, and where that is down or throttles, through the next. */
export async function sendChunk(input: ChunkToSend): Promise<Sent> {
  const { chunk, ports } = input;
  const [recipients, composer] = await Promise.all([recipientsOf(input), composerFor(input)]).catch(async (error) => {
    // Redis refuses to read. This claim came to nothing, but not by the chunk's fault.
    await ports.ledger.finish(chunk).catch(() => undefined);
    throw error;
  });
  const composing = recipients && composer && withContents(composer, recipients.contents);
  if (composing) return sendOnWays(input, recipients.all, composing);
  ports.log.error(
    { campaign: chunk.campaign, chunk: chunk.chunk },
    'the recipients, the template or what messages carry are gone from Redis',
  );
  await ports.ledger.lose(chunk, 'data-lost');
  return { chunk, stop: SENT_ALL };
}

interface Recipients {
  readonly all: readonly Recipient[];
  /** Of the files that only some have, for those who are open. */
  readonly contents: EncodedContents;
}

const NO_FILES: readonly AttachedFile[] = [];
const NO_CONTENTS: EncodedContents = new Map();

/** Null where they or their files are gone. */
async function recipientsOf({ chunk, ports: { scratch } }: ChunkToSend): Promise<Recipients | null> {
  const { campaign, nonce, states } = chunk;
  const all = await scratch.recipients(campaign, nonce, chunk.chunk);
  if (all?.length !== states.length) return null;
  const files = all.flatMap(({ files = NO_FILES }, index) => {
    const state = stateOfByte(states[index] ?? 0);
    return state && isFinal(state) ? NO_FILES : files;
  });
  const contents = files.length > 0 ? await scratch.contents(campaign, nonce, files) : NO_CONTENTS;
  return contents && { all, contents };
}

function withContents(composer: Composer, contents: EncodedContents): Composer {
  if (contents.size === 0) return composer;
  return { compose: (recipient) => composer.compose(recipient, contents) };
}

/** Null where what messages are made of is gone. */
async function composerFor({ campaign, chunk, ports }: ChunkToSend): Promise<Composer | null> {
  const { scratch, links } = ports;
  const [template, linkSecret] = await Promise.all([
    scratch.template(chunk.campaign, chunk.nonce, campaign.totals?.templateDigest ?? ''),
    campaign.options.unsubscribe ? links.linkSecret() : null,
  ]);
  if (!template) return null;
  const contents = () => scratch.contents(chunk.campaign, chunk.nonce, template.files ?? []);
  return ports.composer(campaign, template, linkSecret, contents);
}

async function sendOnWays(input: ChunkToSend, recipients: readonly Recipient[], composer: Composer): Promise<Sent> {
  const { campaign, routing, ports, signals } = input;
  let { chunk, way } = input;
  let patient = !routing.more;
  for (;;) {
    const pacer = ports.pacer(campaign, way.route.identity);
    const stop = await sendOpen({ chunk, campaign, recipients, composer, way, pacer, patient, ports, signals });
    const handsOver = stop.kind === 'fault' ? stop.ofRelay : stop.kind === 'paced' && !patient;
    if (!handsOver) return { chunk, stop };
    const next = await routing.next();
    if (!next && stop.kind === 'fault') return { chunk, stop };
    // Where all throttle, the first one is waited for.
    patient = !next;
    way = next ?? input.way;
    const claimed = await ports.ledger.claim(chunk, chunk.nonce);
    if (claimed.kind === 'finished') return { chunk, stop: SENT_ALL };
    if (claimed.kind === 'refused') return { chunk, stop: { kind: 'refused', why: claimed.why } };
    if (claimed.kind !== 'claimed') return { chunk, stop: { kind: 'refused', why: 'waits' } };
    chunk = claimed.claim;
  }
}
