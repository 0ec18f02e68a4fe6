import { createHash } from 'node:crypto';
import { htmlText } from '../domain/html-text.js';

/** An answer as a whole. */
export interface Page {
  readonly status: number;
  readonly html: string;
}

/** What a page offers: a button that takes somebody off the topic of the link, or off everything. */
export interface Offer {
  /** Null: the link has no topic, or it was taken off already. */
  readonly topic: string | null;
}

/** The fields of the form on the page. */
export const FORM = { field: 'unsubscribe', topic: 'topic', all: 'all' } as const;

const STYLE = `
:root { color-scheme: light dark; --page: #fff; --ink: #1b1f24; --dim: #57606a; --button: #1d4ed8; --on: #fff; --line: #8c959f; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --ink: #e6e9ec; --dim: #a0a9b3; --button: #93b4fd; --on: #10131a; --line: #6e7781; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; }
main { max-width: 34rem; margin: 0 auto; padding: 2.5rem 1.25rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; }
p { margin: 0 0 1rem; }
.dim { color: var(--dim); }
form { display: grid; gap: .75rem; margin: 1.5rem 0; }
button { font: inherit; min-height: 3rem; padding: .6rem 1rem; border-radius: .4rem; border: 1px solid var(--button);
  background: var(--button); color: var(--on); cursor: pointer; }
button.other { background: none; border-color: var(--line); color: var(--ink); }
button:focus-visible { outline: 3px solid var(--line); outline-offset: 2px; }
`;

/** No script, nothing from elsewhere, in no frame: there is one button, and nobody else presses it. */
export const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** The pages of a sender; `sender` is a name for people, or null. */
export function unsubscribePages(sender: string | null) {
  const from = sender === null ? '' : ` from ${htmlText(sender)}`;
  const test = page(
    200,
    'A test',
    `<p>This link is part of a test message${from}. In a real one there is a button here, which stops the mail to whoever got it.</p>
<p class="dim">Nobody was unsubscribed.</p>`,
  );
  return {
    test,
    ask: ({ topic }: Offer) =>
      page(
        200,
        'Unsubscribe?',
        topic === null
          ? `<p>You will get no more mail${from} at the address that this link was sent to.</p>
${form(button(FORM.all, 'Unsubscribe'))}`
          : `<p>You will get no more mail${from} about <strong>${htmlText(topic)}</strong> at the address that this link was sent to.</p>
${form(button(FORM.topic, 'Unsubscribe') + button(FORM.all, 'Unsubscribe from everything', 'other'))}`,
      ),
    done: ({ topic }: Offer) =>
      page(
        200,
        'You are unsubscribed',
        topic === null
          ? `<p>No more mail${from} will be sent to you. What is on its way already may still arrive.</p>`
          : `<p>No more mail${from} about <strong>${htmlText(topic)}</strong> will be sent to you. What is on its way already may still arrive.</p>
${form(button(FORM.all, 'Unsubscribe from everything', 'other'))}`,
      ),
    unasked: page(
      400,
      'Nothing was changed',
      '<p>This request did not say that you want to unsubscribe. Open the link of the message again, and press the button.</p>',
    ),
    unknown: page(
      404,
      'This link does not work',
      '<p>It may be incomplete: open it from the message itself, or copy all of it.</p>',
    ),
    tooLarge: page(413, 'Nothing was changed', '<p>This request is too large.</p>'),
    wrongMethod: page(405, 'Nothing was changed', '<p>This page is only read, and answered by its button.</p>'),
    later: page(
      503,
      'Please try again',
      '<p>You are <strong>not</strong> unsubscribed yet, since something here does not work right now. Please try again in a minute.</p>',
    ),
  };
}

function form(buttons: string): string {
  // Without an action it goes where the page came from, whatever a proxy made of its path.
  return `<form method="post">${buttons}</form>`;
}

function button(value: string, text: string, style = ''): string {
  const look = style === '' ? '' : ` class="${style}"`;
  return `<button${look} name="${FORM.field}" value="${value}">${text}</button>`;
}

function page(status: number, title: string, body: string): Page {
  return {
    status,
    html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`,
  };
}
