import { FanmailError } from '../../domain/errors.js';
import { errorAt } from '../place.js';
import type { Collage } from './collage.js';

const FILE = 'html.mjml';
const INSTALL = 'npm install mjml, beside fanmail; or write html.hbs instead.';

/**
 * The HTML of a message written in MJML (mjml.io); `{{…}}` stay as they are. The package is loaded only here: whoever has no
 * such template needs none. Nothing is included from other files.
 * Throws TEMPLATE_MISSING without the package, TEMPLATE_SYNTAX with the place for what MJML does not allow.
 */
export async function htmlOfMjml(mjml: Collage): Promise<string> {
  const compile = await load();
  const include = mjml.text.indexOf('<mj-include');
  if (include >= 0) throw refusal(mjml, lineOf(mjml.text, include), 'mj-include is not available: write {{> name}}');
  try {
    // Strict: what it doesn't know would be left out of the message without a word.
    const { html } = await compile(mjml.text, { validationLevel: 'strict', ignoreIncludes: true, keepComments: true });
    return html;
  } catch (cause) {
    const [first] = (cause as { errors?: { line: number; message: string; tagName: string }[] }).errors ?? [];
    if (first) throw refusal(mjml, first.line, `${first.tagName}: ${first.message}`, cause);
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new FanmailError('TEMPLATE_SYNTAX', `${FILE} can't be read: ${said}`, { hint: HINT, cause });
  }
}

const HINT = 'What may stand where is on https://documentation.mjml.io; {{#…}} between components stand in <mj-raw>.';

type Compile = typeof import('mjml');

async function load(): Promise<Compile> {
  try {
    // Its types tell of CommonJS, where the module itself is the function.
    return (await import('mjml')).default as unknown as Compile;
  } catch (cause) {
    const message = `the template has ${FILE}, and the package mjml is not there`;
    throw new FanmailError('TEMPLATE_MISSING', message, { hint: INSTALL, cause });
  }
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function refusal(mjml: Collage, line: number, problem: string, cause?: unknown): FanmailError {
  const own = { place: { file: FILE, line, column: 1 }, source: mjml.text };
  const { place, source } = mjml.origins()(own.place) ?? own;
  return errorAt('TEMPLATE_SYNTAX', place, source, problem, { hint: HINT, cause });
}
