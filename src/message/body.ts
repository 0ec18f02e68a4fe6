import type { AttachedFile, EncodedContents } from '../domain/attached-file.js';
import type { Variables } from '../domain/recipient.js';
import { BodyPart } from './body-part.js';
import { type FilePart, filePart } from './file-part.js';
import type { TemplateParts } from './template.js';
import type { MessageWriter } from './writer.js';

const TEXT = 'text/plain; charset=utf-8';
const HTML = 'text/html; charset=utf-8';

const NONE: readonly AttachedFile[] = [];
const NO_PARTS: readonly FilePart[] = [];

/** What differs from message to message. */
export interface BodyValues {
  readonly html: readonly string[];
  readonly text: readonly string[];
  /** What this message carries beside those of all. */
  readonly files: readonly FilePart[];
  /** Part of the boundaries: unlike fixed ones, they stay apart from those of a message that quotes or encloses this one. */
  readonly id: string;
}

/** Writes a part with its headers; what it writes ends with CRLF. */
type Write = (writer: MessageWriter, values: BodyValues) => void;

/**
 * The body of a campaign's messages: multipart/alternative with text and HTML, or the one part that there is; in
 * multipart/related with the pictures that the HTML shows (RFC 2387), in multipart/mixed with attached files.
 */
export class Body {
  readonly #template: TemplateParts;
  readonly #write: Write;

  /** `filesEach`: how many files each message has for itself. */
  constructor(template: TemplateParts, files: readonly AttachedFile[], contents: EncodedContents, filesEach: number) {
    this.#template = template;
    const html = template.html && new BodyPart(HTML, template.html);
    const text = template.text && new BodyPart(TEXT, template.text);
    const writes = (of: readonly AttachedFile[]) =>
      of.map((file): Write => {
        const part = partOf(file, contents);
        return (writer) => writePart(writer, part);
      });
    const shown = writes(files.filter(({ cid }) => cid !== null));
    const attached = writes(files.filter(({ cid }) => cid === null));
    const own = Array.from(
      { length: filesEach },
      (_, n): Write =>
        (to, values) =>
          writePart(to, values.files[n]),
    );
    const pages = html
      ? [within('related; type="text/html"', 'r', [(to, { html: own }) => to.part(html, own), ...shown])]
      : [];
    const texts: Write[] = text ? [(to, { text: own }) => to.part(text, own)] : [];
    const words = within('alternative', '', [...texts, ...pages]);
    this.#write = within('mixed', 'm', [words, ...attached, ...own]);
  }

  /** Throws FanmailError TEMPLATE_RENDER. `files` are the message's own, with their `contents`; `id` is of the message. */
  values(
    variables: Variables,
    files: readonly AttachedFile[] = NONE,
    id: string,
    contents: EncodedContents,
  ): BodyValues {
    const { html, text } = this.#template;
    const own = files.length > 0 ? files.map((file) => partOf(file, contents)) : NO_PARTS;
    return { html: html?.values(variables) ?? [], text: text?.values(variables) ?? [], files: own, id };
  }

  write(writer: MessageWriter, values: BodyValues): void {
    this.#write(writer, values);
  }
}

function partOf(file: AttachedFile, contents: EncodedContents): FilePart {
  const content = contents.get(file.digest);
  if (!content) throw new Error(`the content of ${file.name} is not there`);
  return filePart(file, content);
}

function writePart(writer: MessageWriter, part: FilePart | undefined): void {
  if (!part) throw new Error('a recipient lacks a file');
  writer.bytes(part.head);
  writer.bytes(part.content);
}

/** One alone stands for itself. `mark` tells boundaries of one message from each other. */
function within(kind: string, mark: string, parts: readonly Write[]): Write {
  const [first, ...more] = parts;
  if (!first || more.length === 0) return first ?? (() => undefined);
  return (writer, values) => {
    const boundary = `=_${mark}${values.id}`;
    writer.ascii(`Content-Type: multipart/${kind};\r\n boundary="${boundary}"\r\n\r\n--${boundary}\r\n`);
    first(writer, values);
    for (const write of more) {
      writer.ascii(`\r\n--${boundary}\r\n`);
      write(writer, values);
    }
    writer.ascii(`\r\n--${boundary}--\r\n`);
  };
}
