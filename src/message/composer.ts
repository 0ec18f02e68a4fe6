import { MESSAGE_ID_LOCAL_LENGTH, messageIdOf } from '../domain/message-id.js';
import type { Recipient } from '../domain/recipient.js';
import type { Composer, Message } from '../pipeline/relay-ports.js';
import { BodyPart } from './body-part.js';
import type { DkimSigner } from './dkim-signer.js';
import { addressHeader, dateHeader, mailboxHeader, textHeader } from './headers.js';
import { withOwn } from './own-variables.js';
import { parseSender } from './sender.js';
import { joined, oneLine, type TemplateParts } from './template.js';
import { type Unsubscribing, unsubscribeParts } from './unsubscribe.js';
import { MessageWriter } from './writer.js';

export interface ComposerOptions {
  readonly template: TemplateParts;
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

const TEXT = 'text/plain; charset=utf-8';
const HTML = 'text/html; charset=utf-8';

/**
 * Composes a campaign's messages (RFC 5322, 2045 to 2047): multipart/alternative with text and HTML, or the one part
 * that there is. What is the same for everyone is encoded once, here. Throws SENDER_INVALID for `from` and `replyTo`.
 */
export function createComposer(options: ComposerOptions): Composer {
  const { template, from, replyTo, campaignId, salt, signer = null, unsubscribing } = options;
  const sender = parseSender(from);
  const fromHeader = mailboxHeader('From', sender.header);
  const replyToHeader = replyTo === null ? '' : mailboxHeader('Reply-To', parseSender(replyTo).header);
  const writer = new MessageWriter();
  const date = cachedDate();
  const unsubscribe = unsubscribing ? unsubscribeParts(unsubscribing) : null;

  const headers = ({ address, variables }: Recipient, messageId: string, more: string): string =>
    `${fromHeader}${addressHeader('To', address)}${replyToHeader}` +
    `${textHeader('Subject', oneLine(joined(template.subject, variables)))}${date()}` +
    `${addressHeader('Message-ID', messageId)}${more}MIME-Version: 1.0\r\n`;

  const { html, text } = template;
  const htmlPart = html && new BodyPart(HTML, html);
  const textPart = text && new BodyPart(TEXT, text);

  const write = (row: Recipient, messageId: string): void => {
    // All that can fail comes before anything is written.
    const said = unsubscribe?.(row.address);
    const recipient = said ? { ...row, variables: withOwn(row.variables, { unsubscribeUrl: said.url }) } : row;
    const head = headers(recipient, messageId, said?.headers ?? '');
    const htmlValues = html?.values(recipient.variables) ?? [];
    const textValues = text?.values(recipient.variables) ?? [];
    if (signer) writer.skip(signer.room);
    if (!htmlPart || !textPart) {
      writer.ascii(head);
      if (htmlPart) writer.part(htmlPart, htmlValues);
      if (textPart) writer.part(textPart, textValues);
      return;
    }
    // Unlike a fixed one, this stays apart from the boundary of a message that quotes or encloses this one.
    const boundary = `=_${messageId.slice(1, 1 + MESSAGE_ID_LOCAL_LENGTH)}`;
    writer.ascii(`${head}Content-Type: multipart/alternative;\r\n boundary="${boundary}"\r\n\r\n--${boundary}\r\n`);
    writer.part(textPart, textValues);
    writer.ascii(`\r\n--${boundary}\r\n`);
    writer.part(htmlPart, htmlValues);
    writer.ascii(`\r\n--${boundary}--\r\n`);
  };

  return {
    compose(recipient): Message {
      const messageId = messageIdOf(campaignId, salt, sender.domain, recipient.address);
      write(recipient, messageId);
      const { content, done } = writer.take();
      const to = recipient.address;
      if (!signer) return { from: sender.address, to, content, messageId, handedOver: done };
      let over = false;
      const handedOver = () => {
        over = true;
        done();
      };
      return { from: sender.address, to, ...signer.sign(content, () => over), messageId, handedOver };
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
