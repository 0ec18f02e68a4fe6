import { type EncodedContents, encodedBytes } from '../../domain/attached-file.js';
import { FanmailError } from '../../domain/errors.js';
import type { Recipient } from '../../domain/recipient.js';
import { createComposer } from '../../message/composer.js';
import { type CompiledTemplate, compileTemplate, type TemplateSource } from '../../message/template.js';
import type { Unsubscribing } from '../../message/unsubscribe.js';
import type { Composer } from '../../pipeline/relay-ports.js';
import { count } from '../../report/format.js';
import { withTestUrl } from '../plan.js';
import type { WithFiles } from '../with-files.js';
import { contentFindings } from './content-checks.js';
import { type Finding, finding } from './finding.js';
import { Tallies, Tally } from './tally.js';

/** Rows that are composed for their size, beside the one with the most text. */
const COMPOSED = 1_000;
/** RFC 5322 2.1.1: what a line should have at most, and what it must not exceed. */
const LONG_SUBJECT = 78;
const LONGEST_SUBJECT = 998;
const NO_CONTENTS: EncodedContents = new Map();
/** Gmail shows so much of the HTML, and hides the rest behind a link. */
const CLIPPED_HTML_BYTES = 102_400;

export interface MessageChecksOptions {
  readonly source: TemplateSource & { readonly contents?: EncodedContents };
  readonly template: CompiledTemplate;
  readonly from: string;
  readonly replyTo: string | null;
  /** Whether every row is rendered, as values of any shape need it; cells of CSV always render. */
  readonly renderAll: boolean;
  readonly unsubscribing: Unsubscribing | null;
}

export interface Largest {
  readonly bytes: number;
  readonly line: number;
}

/** What the messages are like: their subjects, whether they can be rendered, and how large they get. */
export class MessageChecks {
  readonly #options: MessageChecksOptions;
  readonly #composer: Composer;
  readonly #subjects: CompiledTemplate;
  readonly #long = new Tally();
  readonly #tooLong = new Tally();
  readonly #noSubject = new Tally();
  readonly #failed = new Tallies<string>();
  /** What to do about each of these. */
  readonly #waysOut = new Map<string, string | null>();
  #composed = 0;
  #largest: { readonly recipient: Recipient; readonly bytes: number } | null = null;
  #longest: (WithFiles & { readonly length: number }) | null = null;

  constructor(options: MessageChecksOptions) {
    this.#options = options;
    const { template, from, replyTo, source, unsubscribing } = options;
    const { files, filesEach, contents = NO_CONTENTS } = source;
    this.#composer = createComposer({
      ...{ template, files, filesEach, contents, from, replyTo },
      ...{ campaignId: 'check', salt: '', unsubscribing },
    });
    const subjects = compileTemplate({ ...source, html: null, text: '' });
    this.#subjects = withTestUrl(subjects, unsubscribing?.url ?? null);
  }

  /** `contents`: of the recipient's own files. */
  recipient(recipient: Recipient, contents = NO_CONTENTS): void {
    this.#orFailed(recipient, () => {
      if (this.#composed < COMPOSED) this.#compose({ recipient, contents });
      else if (this.#options.renderAll) this.#options.template.render(recipient.variables);
      this.#subject(recipient);
      const { files = [] } = recipient;
      const length = files.reduce(
        (sum, file) => sum + encodedBytes(file),
        textLength(recipient, this.#options.template),
      );
      if (this.#longest === null || length > this.#longest.length) this.#longest = { recipient, contents, length };
    });
  }

  /** The largest of the messages that were composed, asked for after the last row; null where there was none. */
  largest(): Largest | null {
    const longest = this.#longest;
    if (longest && this.#composed >= COMPOSED) this.#orFailed(longest.recipient, () => this.#compose(longest));
    return this.#largest && { bytes: this.#largest.bytes, line: this.#largest.recipient.line };
  }

  findings(): Finding[] {
    const found: Finding[] = [];
    for (const [message, tally] of this.#failed) {
      const hint = this.#waysOut.get(message) ?? null;
      found.push({ severity: 'refusal', code: 'TEMPLATE_RENDER', message, hint, ...tally.about });
    }
    const shorten = 'Shorten the subject, or the value in it.';
    if (this.#tooLong.rows > 0) {
      const message = `${this.#tooLong.said} with a subject of more than ${LONGEST_SUBJECT} characters`;
      found.push(finding('SUBJECT_TOO_LONG', message, shorten, this.#tooLong.about));
    }
    if (this.#long.rows > 0) {
      const message = `${this.#long.said} with a subject of more than ${LONG_SUBJECT} characters, which few mail programs show whole`;
      found.push(finding('SUBJECT_LONG', message, shorten, this.#long.about));
    }
    if (this.#noSubject.rows > 0) {
      const message = `${this.#noSubject.said} with an empty subject`;
      found.push(
        finding('SUBJECT_EMPTY', message, 'Write a subject that stands without its variables.', this.#noSubject.about),
      );
    }
    return [...found, ...this.#clipped(), ...this.#content()];
  }

  #orFailed({ line, address }: Recipient, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof FanmailError)) throw error;
      this.#waysOut.set(error.message, error.hint ?? null);
      this.#failed.of(error.message).add(line, address);
    }
  }

  #compose({ recipient, contents }: WithFiles): void {
    const bytes = this.#composer.compose(recipient, contents).content.length;
    this.#composed++;
    if (this.#largest === null || bytes > this.#largest.bytes) this.#largest = { recipient, bytes };
  }

  #subject({ line, variables }: Recipient): void {
    const { subject } = this.#subjects.render(variables);
    // A character may be two code units: only what could be too long is counted exactly.
    const length = subject.length > LONG_SUBJECT ? [...subject].length : subject.length;
    if (length > LONGEST_SUBJECT) this.#tooLong.add(line, `${length} characters`);
    else if (length > LONG_SUBJECT) this.#long.add(line, `${length} characters: ${subject}`);
    else if (length === 0) this.#noSubject.add(line, '');
  }

  /** Of the largest message, whose values are there. */
  #content(): Finding[] {
    if (this.#largest === null) return [];
    const { source, template } = this.#options;
    const { html } = template.render(this.#largest.recipient.variables);
    if (html === null) return [];
    const hint =
      'Who reads plain text gets what is made from the HTML: look at it with fanmail preview, or write text.hbs.';
    const noText = source.text === null ? [finding('NO_PLAIN_TEXT', 'the template has no text.hbs', hint)] : [];
    return [...noText, ...contentFindings(html)];
  }

  #clipped(): Finding[] {
    if (this.#largest === null) return [];
    const { recipient } = this.#largest;
    const { html } = this.#options.template.render(recipient.variables);
    const bytes = html === null ? 0 : Buffer.byteLength(html);
    if (bytes <= CLIPPED_HTML_BYTES) return [];
    const message = `the HTML has up to ${count(bytes)} bytes, and Gmail hides what comes after ${count(CLIPPED_HTML_BYTES)}`;
    const samples = [{ line: recipient.line, text: recipient.address }];
    return [finding('MESSAGE_LARGE', message, 'Shorten it, or link to the rest.', { rows: null, samples })];
  }
}

/** Characters of what the template uses of a row, near enough to find the largest message. */
function textLength({ variables }: Recipient, { needs }: CompiledTemplate): number {
  let length = 0;
  for (const { variable } of needs) {
    const value = variables[variable];
    if (typeof value === 'string') length += value.length;
    else if (value !== undefined) length += JSON.stringify(value).length;
  }
  return length;
}
