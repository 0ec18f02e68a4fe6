import { htmlText } from '../../domain/html-text.js';
import { printable } from '../../report/format.js';

/** A composed message, for a page. */
export interface Shown {
  /** Names and values, as a person reads them. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly subject: string;
  readonly html: string | null;
  readonly text: string | null;
}

/** Columns of CSS pixels: a phone held upright, and a window of a mail program. */
const WIDTHS = [
  ['Phone', 375],
  ['Desktop', 800],
] as const;

/**
 * What the page and, by inheritance, the message in it may load: pictures, fonts and styles, as a mail program would,
 * and nothing that runs.
 */
const POLICY =
  "default-src 'none'; img-src http: https: data:; font-src https: data:; style-src 'unsafe-inline' https:";

const STYLE = `
:root { color-scheme: light; }
body { margin: 0; padding: 24px; background: #e4e8ed; color: #16202b; font: 15px/22px system-ui, sans-serif; }
h1 { margin: 0 0 8px; font-size: 22px; line-height: 30px; }
h2 { margin: 0 0 8px; font-size: 13px; line-height: 18px; font-weight: 600; color: #4a5765; }
table { margin: 0 0 20px; border-collapse: collapse; font-size: 13px; line-height: 20px; }
th { padding: 0 12px 0 0; text-align: left; vertical-align: top; font-weight: 600; color: #4a5765; }
td { overflow-wrap: anywhere; }
main { display: flex; gap: 24px; align-items: flex-start; }
section { flex: none; }
iframe { display: block; height: 80vh; min-height: 560px; border: 0; border-radius: 8px; background: #ffffff; box-shadow: 0 1px 6px #16202b40; }
h2.text { margin-top: 24px; }
pre { margin: 0; padding: 16px; max-width: 1167px; border-radius: 8px; background: #ffffff; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/20px ui-monospace, monospace; }
`;

/**
 * One self-contained page that shows a message as wide as a phone and as a desktop, without running anything of it: each
 * copy is in a sandboxed frame of another origin, without scripts, forms or windows.
 */
export function previewPage({ headers, subject, html, text }: Shown): string {
  const rows = headers.map(
    ([name, value]) => `<tr><th>${htmlText(name)}</th><td>${htmlText(printable(value))}</td></tr>`,
  );
  const body =
    html ?? `<!doctype html><meta charset="utf-8"><pre style="white-space:pre-wrap">${htmlText(text ?? '')}</pre>`;
  const frames = WIDTHS.map(
    ([name, width]) =>
      `<section><h2>${name}, ${width} px</h2><iframe title="${name}" sandbox="" referrerpolicy="no-referrer" ` +
      `width="${width}" style="width:${width}px" srcdoc="${htmlText(withoutScrollbar(body))}"></iframe></section>`,
  );
  const plain = html !== null && text !== null ? `<h2 class="text">Text</h2><pre>${htmlText(text)}</pre>` : '';
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    `<title>${htmlText(printable(subject))}</title><style>${STYLE}</style></head>`,
    `<body><h1>${htmlText(printable(subject))}</h1><table>${rows.join('')}</table>`,
    `<main>${frames.join('')}</main>${plain}</body></html>`,
    '',
  ].join('\n');
}

/** A scrollbar would take its width from the message's; a phone has none. */
function withoutScrollbar(html: string): string {
  return `${html}<style>html{scrollbar-width:none}</style>`;
}
