import type { AttachedFile, EncodedContents } from '../domain/attached-file.js';
import { MESSAGE_ID_LOCAL_LENGTH, messageIdOf } from '../domain/message-id.js';
import type { Recipient, Variables } from '../domain/recipient.js';
import type { Composer, Message } from '../pipeline/relay-ports.js';
import { Body } from './body.js';
import type { DkimSigner } from './dkim-signer.js';
import { addressHeader, dateHeader, mailboxHeader, textHeader } from './headers.js';
import { withOwn } from './own-variables.js';
import { parseSender } from './sender.js';
import { joined, oneLine, type TemplateParts } from './template.js';
import { type Unsubscribing, unsubscribeParts } from './unsubscribe.js';
import { MessageWriter } from './writer.js';

export interface ComposerOptions {
  readonly template: TemplateParts;
  /** What each message carries, and the encoded contents of it; absent: nothing. */
  readonly files?: readonly AttachedFile[] | undefined;
  readonly contents?: EncodedContents;
  /** How many files each recipient has beside; absent: none. */
  readonly filesEach?: number | undefined;
  /** `Name <local@domain>` or `local@domain`, as `parseSender` gives it. */
  readonly from: string;
  readonly replyTo: string | null;
  readonly campaignId: string;
  /** The campaign's, the key of its Message-IDs. */
  readonly salt: string;
  /** Null: nothing is signed. */
  readonly signer?: DkimSigner | null;
  /** Null or absent: nothing is said of it. */
  readonly unsubscribing?: Unsubscribing | null;
}

const NO_CONTENTS: EncodedContents = new Map();

/**
 * Composes a campaign's messages (RFC 5322, 2045 to 2047). What is the same for everyone is encoded once, here. Throws
 * SENDER_INVALID for `from` and `replyTo`.
 */
export function createComposer(options: ComposerOptions): Composer {
  const { template, files = [], contents = NO_CONTENTS, filesEach = 0, from, replyTo } = options;
  const { campaignId, salt, signer = null, unsubscribing } = options;
  const sender = parseSender(from);
  const fromHeader = mailboxHeader('From', sender.header);
  const replyToHeader = replyTo === null ? '' : mailboxHeader('Reply-To', parseSender(replyTo).header);
  const writer = new MessageWriter();
  const date = cachedDate();
  const unsubscribe = unsubscribing ? unsubscribeParts(unsubscribing) : null;

  const headers = (address: string, variables: Variables, messageId: string, more: string): string =>
    `${fromHeader}${addressHeader('To', address)}${replyToHeader}` +
    `${textHeader('Subject', oneLine(joined(template.subject, variables)))}${date()}` +
    `${addressHeader('Message-ID', messageId)}${more}MIME-Version: 1.0\r\n`;

  const body = new Body(template, files, contents, filesEach);

  // Texts have no line with a dot at its head, as their encoders write them; files come from Redis as they are.
  const textsAlone = files.length === 0 && filesEach === 0;

  /** Answers whether no line begins with a dot. */
  const write = (row: Recipient, messageId: string, own: EncodedContents): boolean => {
    // All that can fail comes before anything is written.
    const said = unsubscribe?.(row.address);
    const variables = said ? withOwn(row.variables, { unsubscribeUrl: said.url }) : row.variables;
    const head = headers(row.address, variables, messageId, said?.headers ?? '');
    const values = body.values(variables, row.files, messageId.slice(1, 1 + MESSAGE_ID_LOCAL_LENGTH), own);
    if (signer) writer.skip(signer.room);
    writer.ascii(head);
    body.write(writer, values);
    return textsAlone && !head.includes('\r\n.');
  };

  return {
    compose(recipient, own = NO_CONTENTS): Message {
      const messageId = messageIdOf(campaignId, salt, sender.domain, recipient.address);
      const dotless = write(recipient, messageId, own);
      const { content, done } = writer.take();
      const to = recipient.address;
      if (!signer) return { from: sender.address, to, content, dotless, messageId, handedOver: done };
      let over = false;
      const handedOver = () => {
        over = true;
        done();
      };
      return { from: sender.address, to, ...signer.sign(content, () => over), dotless, messageId, handedOver };
    },
  };
}

/** The Date header, made once a second. */
function cachedDate(): () => string {
  let second = Number.NaN;
  let header = '';
  return () => {
    const now = Math.floor(Date.now() / 1000);
    if (now !== second) {
      second = now;
      header = dateHeader(now * 1000);
    }
    return header;
  };
}
