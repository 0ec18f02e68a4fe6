import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Recipient } from '../../src/domain/recipient.js';
import { createComposer } from '../../src/message/composer.js';
import { compileTemplate } from '../../src/message/template.js';

/** The parts of a campaign's template, as they lie in its folder. */
export interface TemplateParts {
  readonly subject: string;
  readonly html: string | null;
  readonly text: string;
}

export const FROM = 'Example News <news@example.com>';
const SUBJECT = 'Hello {{first_name}}, news from {{city}}';
const STORIES = 14;
const STYLE = 'padding:8px 0;font-family:Arial,sans-serif;font-size:15px';

/** A newsletter: about 3.4 kB as a message, a little of it different for everyone. */
export function newsletter(): TemplateParts {
  const row = (n: number) =>
    `<tr><td style="${STYLE}">Story ${n} for {{city}}: what is new this week, and why.</td></tr>\n`;
  const rows = Array.from({ length: STORIES }, (_, n) => row(n)).join('');
  const items = Array.from({ length: STORIES }, (_, n) => `* Story ${n} for {{city}}: what is new this week.\n`).join(
    '',
  );
  return {
    subject: SUBJECT,
    html: `<!doctype html><html><body><table role="presentation" width="100%">\n<tr><td><h1>Hello {{first_name}}</h1></td></tr>\n${rows}<tr><td>You are on {{plan}}.</td></tr>\n</table></body></html>\n`,
    text: `Hello {{first_name}},\n\n${items}\nYou are on {{plan}}.\n`,
  };
}

/** About 100 kB as a message, nearly all of it the same for everyone and a good part of it not ASCII. */
export function longNewsletter(): TemplateParts {
  const row = (n: number) =>
    `<tr><td style="${STYLE}">Größe ${n}: für die Überraschung genügt ein schönes Stück, naïve Façade à Évora – “déjà vu”, Łódź, 東京.</td></tr>\n`;
  const rows = Array.from({ length: 329 }, (_, n) => row(n)).join('');
  return {
    subject: SUBJECT,
    html: `<!doctype html><html><body><table role="presentation">\n<tr><td><h1>Hello {{first_name}} in {{city}}</h1></td></tr>\n${rows}</table></body></html>\n`,
    text: 'Hello {{first_name}} in {{city}},\n\nthis one is best read with pictures. You are on {{plan}}.\n',
  };
}

/** So short that staging has little to do but the list; it needs every column. */
export function shortNote(): TemplateParts {
  return { subject: '{{first_name}} {{last_name}}', html: null, text: '{{city}} {{plan}}\n' };
}

/** Makes the folder that `--template` takes. */
export function writeTemplate(folder: string, { subject, html, text }: TemplateParts): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'subject.hbs'), subject);
  writeFileSync(join(folder, 'text.hbs'), text);
  if (html !== null) writeFileSync(join(folder, 'html.hbs'), html);
  return folder;
}

/** The other way round, for a process that is told the folder. */
export function readTemplate(folder: string): Omit<TemplateParts, 'html'> & { readonly html: string } {
  const part = (name: string) => readFileSync(join(folder, `${name}.hbs`), 'utf8');
  return { subject: part('subject'), html: part('html'), text: part('text') };
}

/** Bytes of a message, on average over these recipients. */
export function messageBytes(parts: TemplateParts, recipients: readonly Omit<Recipient, 'line'>[]): number {
  const template = compileTemplate({ name: 'bench', digest: '', ...parts });
  const composer = createComposer({ template, from: FROM, replyTo: null, campaignId: 'bench', salt: 'salt' });
  const sizes = recipients.map((one) => composer.compose({ line: 2, ...one }).content.length);
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
}
