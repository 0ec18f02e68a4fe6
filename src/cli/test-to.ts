import { randomBytes } from 'node:crypto';
import type { Settings } from '../config/settings.js';
import type { CampaignOptions } from '../domain/campaign.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { codeOf, type Outcome } from '../domain/outcome.js';
import type { Recipient } from '../domain/recipient.js';
import { createComposer } from '../message/composer.js';
import type { DkimSigner } from '../message/dkim-signer.js';
import { compileTemplate } from '../message/template.js';
import { testUnsubscribing } from '../message/unsubscribe.js';
import type { Message } from '../pipeline/relay-ports.js';
import { parseAddress } from '../recipients/address.js';
import { createRelay } from '../relay/pool.js';
import { describeRelay, identityOf, type RelaySettings } from '../relay/url.js';
import { printable } from '../report/format.js';
import { recipientsOf } from './pick-recipient.js';
import type { Plan } from './plan.js';
import type { Session } from './session.js';
import { signerOf } from './signing.js';
import { withFiles } from './with-files.js';

type Ended = Outcome | { readonly kind: 'no-connection'; readonly why: string } | { readonly kind: 'interrupted' };

/** A row that was sent to the operator, and what became of it. */
interface Tested {
  readonly recipient: Recipient;
  readonly messageId: string;
  readonly outcome: Ended;
}

/**
 * `fanmail launch --test-to`: sends the first rows, composed as they are, to the operator's own address through the relay.
 * Nothing is staged or counted, nobody on the list gets anything, and nothing is tried a second time.
 */
export async function testTo(
  address: string,
  plan: Plan,
  relay: RelaySettings,
  options: CampaignOptions,
  settings: Settings<'launch'>,
  session: Session,
): Promise<number> {
  const to = requireAddress(address);
  const recipients = await firstRows(plan, settings.rows);
  if (!settings.json) {
    const where = `${to} through ${describeRelay(identityOf(relay))}`;
    session.terminal.say(
      `Sending the first ${recipients.length === 1 ? 'row' : `${recipients.length} rows`} to ${where}`,
    );
  }
  const tested = await sendAll(
    messagesTo(to, recipients, { plan, options, signer: signerOf(settings, session.cwd) }),
    relay,
    session,
  );
  if (settings.json) session.terminal.out(JSON.stringify({ testTo: to, messages: tested.map(objectOf) }));
  else for (const [index, one] of tested.entries()) session.terminal.out(lineOf(one, index, recipients.length));
  if (tested.some(({ outcome }) => outcome.kind === 'interrupted')) return EXIT.interrupted;
  return tested.every(({ outcome }) => outcome.kind === 'sent') ? EXIT.ok : EXIT.incomplete;
}

function requireAddress(text: string): string {
  const parsed = parseAddress(text);
  if (parsed.ok) return parsed.address;
  throw new FanmailError('OPTION_INVALID', `--test-to can't be "${text}": ${parsed.detail}`, {
    hint: 'Allowed: one address of yours, such as me@example.com.',
  });
}

async function firstRows(plan: Plan, rows: number): Promise<readonly Recipient[]> {
  const found: Recipient[] = [];
  for await (const recipient of recipientsOf(plan)) {
    // Whatever is wrong with a file is known before the first message goes.
    await withFiles(recipient, plan);
    found.push(recipient);
    if (found.length === rows) break;
  }
  if (found.length > 0) return found;
  throw new FanmailError('LIST_NOTHING_SENDABLE', 'the list has no row that can be sent to', {
    hint: 'fanmail check says why of each',
  });
}

type Marked = readonly [recipient: Recipient, message: Message];

/** Each with a Message-ID of its own, which is no campaign's: mail programs show two with the same one only once. */
async function* messagesTo(
  to: string,
  rows: readonly Recipient[],
  { plan, options, signer }: { plan: Plan; options: CampaignOptions; signer: DkimSigner | null },
): AsyncGenerator<Marked> {
  const template = compileTemplate(plan.template);
  const { from, replyTo, unsubscribe } = options;
  for (const [index, row] of rows.entries()) {
    const { recipient, contents } = await withFiles(row, plan);
    const mark = `[test ${index + 1}/${rows.length}]`;
    const { subject } = template;
    const marked = { ...template, subject: { ...subject, pieces: [`${mark} `, ...subject.pieces] } };
    const salt = randomBytes(16).toString('hex');
    // By its links nobody is unsubscribed: they are for looking at, and whoever looks may press the button.
    const unsubscribing = testUnsubscribing(unsubscribe);
    const composer = createComposer({
      ...{ template: marked, files: plan.template.files, filesEach: plan.template.filesEach, contents: plan.contents },
      ...{ from, replyTo, campaignId: 'test', salt },
      ...{ signer, unsubscribing },
    });
    yield [recipient, composer.compose({ ...recipient, address: to }, contents)];
  }
}

async function sendAll(messages: AsyncIterable<Marked>, settings: RelaySettings, session: Session): Promise<Tested[]> {
  const relay = createRelay(settings, { connections: 1, log: session.log });
  const abandon = () => relay.abandon();
  session.stop.addEventListener('abort', abandon, { once: true });
  const tested: Tested[] = [];
  try {
    for await (const [recipient, message] of messages) {
      const taken = await relay.take(1, session.quiet);
      const outcome = await outcomeOf(taken, message);
      tested.push({ recipient, messageId: message.messageId, outcome });
      // The next one would wait for the same.
      if (outcome.kind === 'no-connection' || outcome.kind === 'interrupted') break;
    }
    return tested;
  } finally {
    session.stop.removeEventListener('abort', abandon);
    await relay.close();
  }
}

type Taken = Awaited<ReturnType<ReturnType<typeof createRelay>['take']>>;

async function outcomeOf(taken: Taken, message: Message): Promise<Ended> {
  if (taken.kind === 'aborted') return { kind: 'interrupted' };
  if (taken.kind === 'fault') return { kind: 'no-connection', why: taken.fault.why };
  const [connection] = taken.connections;
  return connection ? connection.send(message) : { kind: 'no-connection', why: 'the relay gave no connection' };
}

/** The relay's words, or ours where it had none. */
function wordsOf(outcome: Ended): string {
  switch (outcome.kind) {
    case 'sent':
    case 'refused':
      return `${codeOf(outcome.reply)} ${outcome.reply.text}`.trim();
    case 'interrupted':
      return 'stopped before it was sent';
    case 'not-sent':
    case 'unknown':
    case 'no-connection':
      return outcome.why;
    default:
      return outcome satisfies never;
  }
}

function lineOf({ recipient, outcome }: Tested, index: number, all: number): string {
  return `[test ${index + 1}/${all}] line ${recipient.line}, ${recipient.address}: ${outcome.kind}, ${printable(wordsOf(outcome))}`;
}

function objectOf({ recipient, messageId, outcome }: Tested) {
  const code = outcome.kind === 'sent' || outcome.kind === 'refused' ? codeOf(outcome.reply) : null;
  return {
    line: recipient.line,
    email: recipient.address,
    outcome: outcome.kind,
    code,
    reply: wordsOf(outcome),
    messageId,
  };
}
