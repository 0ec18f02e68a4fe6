import { FanmailError } from '../../domain/errors.js';
import type { Place } from '../place.js';
import { inspect } from '../syntax.js';
import { type Collage, SourceFile } from './collage.js';
import { expand } from './expand.js';
import type { Partials } from './files.js';
import { inlineCss } from './inline-css.js';
import { htmlOfMjml } from './mjml.js';
import { withPreheader } from './preheader.js';

/** The files of a template as they were read. At least one of html, mjml and text is set, and not both of html and mjml. */
export interface TemplateFiles {
  readonly subject: SourceFile;
  readonly html: SourceFile | null;
  readonly mjml: SourceFile | null;
  readonly text: SourceFile | null;
  readonly preheader: string | null;
  readonly partials: Partials;
}

/** The parts of a template, with all that is in them. */
export interface Assembled {
  readonly subject: string;
  readonly html: string | null;
  readonly text: string | null;
  /** Where each variable was written first. */
  readonly places: Readonly<Record<string, Place>>;
}

/** All that is wrong with the files of a template, the first one as its own words. */
export class TemplateFaults extends FanmailError {
  readonly all: readonly FanmailError[];

  constructor([first, ...more]: readonly [FanmailError, ...FanmailError[]]) {
    super(first.code, first.message, { cause: first, ...(first.hint !== undefined && { hint: first.hint }) });
    this.all = [first, ...more];
  }
}

/**
 * Makes the parts of a template: partials and what the campaign gives are put in, MJML becomes HTML, CSS is inlined.
 * Throws TemplateFaults (TEMPLATE_SYNTAX) with all faults of syntax, each with its file, line and column; TEMPLATE_MISSING.
 */
export async function assemble(files: TemplateFiles, campaign: Readonly<Record<string, string>>): Promise<Assembled> {
  const faults: FanmailError[] = [];
  const places: Record<string, Place> = Object.create(null);
  const part = (file: SourceFile | null, kind: keyof Partials, escaped: boolean): Collage | null => {
    if (!file) return null;
    try {
      const whole = expand(file, { partials: files.partials[kind], campaign, escaped });
      for (const { variable, ...at } of inspect(file.file, whole.text, whole.origins()).references) {
        if (variable !== null) places[variable] ??= { file: at.file, line: at.line, column: at.column };
      }
      return whole;
    } catch (error) {
      if (!(error instanceof FanmailError)) throw error;
      faults.push(error);
      return null;
    }
  };
  const subject = part(files.subject, 'text', false);
  const hidden = files.preheader === null ? null : new SourceFile('template.json (preheader)', files.preheader);
  const preheader = part(hidden, 'text', false);
  const html = part(files.html, 'html', true);
  const mjml = part(files.mjml, 'html', true);
  const text = part(files.text, 'text', false);
  const [first, ...more] = faults;
  if (first) throw new TemplateFaults([first, ...more]);
  const whole = mjml ? await htmlOfMjml(mjml) : html && (await inlineCss(html.text));
  return {
    subject: subject?.text ?? '',
    html: whole && preheader ? withPreheader(whole, preheader.text) : whole,
    text: text?.text ?? null,
    places,
  };
}
