/**
 * Microseconds that composing takes, of fanmail's composer and of Nodemailer's MailComposer with the same Handlebars
 * template, alternating in one process over the same varied recipients: `npx tsx scripts/bench-compose.ts`.
 */
import Handlebars from 'handlebars';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { Recipient } from '../src/domain/recipient.js';
import { createComposer } from '../src/message/composer.js';
import { compileTemplate } from '../src/message/template.js';

const RECIPIENTS = 20_000;
/** MailComposer is slow: it gets a part of the recipients in each round. */
const SAMPLE = 1_000;
const ROUNDS = RECIPIENTS / SAMPLE;

const FIRST_NAMES = ['Ada', 'Grace', 'Linus', 'Margaret', 'Edsger', 'Barbara', 'Donald', 'O"Neil & Sons'];
const CITIES = ['Vienna', 'Lisbon', 'Oslo', 'Lyon', 'Porto', 'Graz'];

const row = (n: number): string =>
  `<tr><td style="padding:8px 0;font-family:Arial,sans-serif;font-size:15px;line-height:22px">Story ${n} for {{city}}: what is new this week, and why it may matter to you.</td></tr>\n`;
const html = `<!doctype html><html><body><table role="presentation" width="100%">\n<tr><td><h1>Hello {{first_name}}</h1></td></tr>\n${Array.from({ length: 12 }, (_, n) => row(n)).join('')}<tr><td>You are on {{plan}}.</td></tr>\n</table></body></html>\n`;
const text = `Hello {{first_name}},\n\n${Array.from({ length: 12 }, (_, n) => `* Story ${n} for {{city}}: what is new this week.\n`).join('')}\nYou are on {{plan}}.\n`;
const subject = 'Hello {{first_name}}, news from {{city}}';

function recipient(n: number, variant: string): Recipient {
  const variables = {
    first_name: `${FIRST_NAMES[n % FIRST_NAMES.length]}${variant}`,
    city: CITIES[n % CITIES.length] ?? '',
    plan: n % 3 ? 'basic' : 'plus',
  };
  return { line: n + 2, address: `reader${n}@example.com`, variables: Object.assign(Object.create(null), variables) };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function measure(title: string, variant: string): Promise<void> {
  const recipients = Array.from({ length: RECIPIENTS }, (_, n) => recipient(n, variant));
  const template = compileTemplate({ name: 'bench', subject, html, text, digest: '' });
  const composer = createComposer({
    template,
    from: 'Example News <news@example.com>',
    replyTo: null,
    campaignId: 'bench',
    salt: 'salt',
  });
  const parts = {
    subject: Handlebars.compile(subject, { noEscape: true }),
    html: Handlebars.compile(html),
    text: Handlebars.compile(text, { noEscape: true }),
  };
  const ours: number[] = [];
  const theirs: number[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const batch = recipients.slice(round * SAMPLE, (round + 1) * SAMPLE);
    let start = process.hrtime.bigint();
    for (const one of batch) bytes += composer.compose(one).content.length;
    ours.push(Number(process.hrtime.bigint() - start) / 1000 / batch.length);
    start = process.hrtime.bigint();
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
    theirs.push(Number(process.hrtime.bigint() - start) / 1000 / batch.length);
  }
  const [fast, slow] = [median(ours), median(theirs)];
  console.log(
    `${(slow / fast).toFixed(1)}x  ${title}: ${fast.toFixed(1)} us a message against ${slow.toFixed(1)} us, ` +
      `${Math.round(bytes / RECIPIENTS)} bytes, median of ${ROUNDS} rounds`,
  );
}

await measure('ASCII (7bit)', '');
await measure('with umlauts (quoted-printable)', ' Müller');
