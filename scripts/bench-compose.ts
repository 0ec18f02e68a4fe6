/**
 * Microseconds of CPU that composing takes, of fanmail's composer and of Nodemailer's MailComposer with the same Handlebars
 * template, alternating in one process over the same varied recipients: `npx tsx scripts/bench-compose.ts`.
 */
import Handlebars from 'handlebars';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { Recipient } from '../src/domain/recipient.js';
import { tokensOf } from '../src/domain/unsubscribe.js';
import { type ComposerOptions, createComposer } from '../src/message/composer.js';
import { compileTemplate, type TemplateSource } from '../src/message/template.js';

const ROUNDS = 20;

const FIRST_NAMES = ['Ada', 'Grace', 'Linus', 'Margaret', 'Edsger', 'Barbara', 'Donald', 'O"Neil & Sons'];
const CITIES = ['Vienna', 'Lisbon', 'Oslo', 'Lyon', 'Porto', 'Graz'];

type Parts = Pick<TemplateSource, 'subject' | 'html' | 'text'>;

/** 3.4 kB with 12 short values in text and 13 in HTML. */
function newsletter(): Parts {
  const row = (n: number): string =>
    `<tr><td style="padding:8px 0;font-family:Arial,sans-serif;font-size:15px;line-height:22px">Story ${n} for {{city}}: what is new this week, and why it may matter to you.</td></tr>\n`;
  const rows = Array.from({ length: 12 }, (_, n) => row(n)).join('');
  const stories = Array.from({ length: 12 }, (_, n) => `* Story ${n} for {{city}}: what is new this week.\n`).join('');
  return {
    subject: 'Hello {{first_name}}, news from {{city}}',
    html: `<!doctype html><html><body><table role="presentation" width="100%">\n<tr><td><h1>Hello {{first_name}}</h1></td></tr>\n${rows}<tr><td>You are on {{plan}}.</td></tr>\n</table></body></html>\n`,
    text: `Hello {{first_name}},\n\n${stories}\nYou are on {{plan}}.\n`,
  };
}

/** 100 kB of HTML with a letter outside ASCII in each paragraph, and five values. */
function catalogue(): Parts {
  const paragraph = (n: number): string =>
    `<tr><td style="padding:8px 0;font-family:Arial,sans-serif">Café number ${n}: what is new this week, and why it may matter to all of you.</td></tr>\n`;
  const rows = Array.from({ length: 660 }, (_, n) => paragraph(n) + (n % 220 ? '' : '<p>For {{city}}</p>\n')).join('');
  return {
    subject: 'Hello {{first_name}}, news from {{city}}',
    html: `<!doctype html><html><body><h1>Hello {{first_name}}</h1><table>\n${rows}</table><p>You are on {{plan}}.</p></body></html>\n`,
    text: 'Hello {{first_name}}, see the HTML.\n',
  };
}

function recipient(n: number, variant: string): Recipient {
  const variables = {
    first_name: `${FIRST_NAMES[n % FIRST_NAMES.length]}${variant}`,
    city: CITIES[n % CITIES.length] ?? '',
    plan: n % 3 ? 'basic' : 'plus',
  };
  return { line: n + 2, address: `reader${n}@example.com`, variables: Object.assign(Object.create(null), variables) };
}

/** Microseconds. */
function cpuSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function measure(
  title: string,
  source: Parts,
  variant: string,
  sample: number,
  more: Pick<ComposerOptions, 'unsubscribing'> = {},
): Promise<void> {
  const { subject, html, text } = source;
  const recipients = Array.from({ length: ROUNDS * sample }, (_, n) => recipient(n, variant));
  const template = compileTemplate({ name: 'bench', subject, html, text, digest: '' });
  const composer = createComposer({
    template,
    from: 'Example News <news@example.com>',
    replyTo: null,
    campaignId: 'bench',
    salt: 'salt',
    ...more,
  });
  const parts = {
    subject: Handlebars.compile(subject, { noEscape: true }),
    html: Handlebars.compile(html ?? ''),
    text: Handlebars.compile(text ?? '', { noEscape: true }),
  };
  const ours: number[] = [];
  const theirs: number[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const batch = recipients.slice(round * sample, (round + 1) * sample);
    let start = process.cpuUsage();
    for (const one of batch) bytes += composer.compose(one).content.length;
    ours.push(cpuSince(start) / batch.length);
    start = process.cpuUsage();
    for (const { address, variables } of batch) {
      await new MailComposer({
        from: 'Example News <news@example.com>',
        to: address,
        subject: parts.subject(variables),
        html: parts.html(variables),
        text: parts.text(variables),
      })
        .compile()
        .build();
    }
    theirs.push(cpuSince(start) / batch.length);
  }
  const [fast, slow] = [median(ours), median(theirs)];
  console.log(
    `${(slow / fast).toFixed(1)}x  ${title}: ${fast.toFixed(1)} us a message against ${slow.toFixed(1)} us, ` +
      `${Math.round(bytes / recipients.length)} bytes, median of ${ROUNDS} rounds`,
  );
}

await measure('ASCII (7bit)', newsletter(), '', 1_000);
await measure('values with umlauts (quoted-printable)', newsletter(), ' Müller', 1_000);
await measure('100 kB of static HTML (quoted-printable)', catalogue(), ' Müller', 40);
const tokenOf = tokensOf('ab'.repeat(32), 'news');
const unsubscribing = { url: 'https://news.example.com/u', mailto: 'unsubscribe@example.com', tokenOf };
await measure('ASCII, with headers to unsubscribe by, which only ours has', newsletter(), '', 1_000, { unsubscribing });
