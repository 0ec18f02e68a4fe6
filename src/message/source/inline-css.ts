import { mask } from './mustaches.js';
import { conditionsPrevail, cssFault } from './prevail.js';

const MARK = 'data-fanmail';

/**
 * HTML with the rules of its `<style>` in the style attributes of what they are about, as mail programs need it that take no
 * `<style>` from a message. The rules stay where they were for those that do, and for what can't be inlined (`:hover`,
 * `@media`), which prevails. Nothing else changes, and nothing is fetched.
 * Throws TEMPLATE_SYNTAX where the CSS can't be read.
 */
export async function inlineCss(html: string): Promise<string> {
  if (!/<style\b/i.test(html)) return html;
  const { html: masked, unmask } = mask(html);
  const { Parser } = await import('htmlparser2');
  const tags = tagsOf(masked, Parser);
  const styles = stylesOf(await inlined(mark(masked, tags)), Parser);
  let [at, made] = [0, ''];
  for (const [number, { start, end }] of tags.entries()) {
    made += masked.slice(at, start) + withStyle(masked.slice(start, end), styles.get(number) ?? null);
    at = end;
  }
  // Only where something was inlined there is something to prevail over.
  return unmask(styles.size > 0 ? await conditionsPrevail(made + masked.slice(at)) : masked);
}

interface Tag {
  readonly start: number;
  readonly end: number;
}

type ParserOf = typeof import('htmlparser2').Parser;

function tagsOf(html: string, Parser: ParserOf): Tag[] {
  const tags: Tag[] = [];
  const parser = new Parser({
    onopentag: () => tags.push({ start: parser.startIndex, end: parser.endIndex + 1 }),
  });
  parser.end(html);
  return tags;
}

function mark(html: string, tags: readonly Tag[]): string {
  let [at, marked] = [0, ''];
  for (const [number, { start, end }] of tags.entries()) {
    const name = /^<[^\s/>]+/.exec(html.slice(start, end))?.[0] ?? '';
    marked += `${html.slice(at, start)}${name} ${MARK}="${number}"`;
    at = start + name.length;
  }
  return marked + html.slice(at);
}

async function inlined(html: string): Promise<string> {
  const { inline } = await import('@css-inline/css-inline');
  try {
    return inline(html, { keepStyleTags: true, keepLinkTags: true, loadRemoteStylesheets: false });
  } catch (cause) {
    throw cssFault(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function stylesOf(html: string, Parser: ParserOf): ReadonlyMap<number, string> {
  const styles = new Map<number, string>();
  const parser = new Parser({
    onopentag(_, { [MARK]: number, style }) {
      if (number !== undefined && style !== undefined) styles.set(Number(number), style);
    },
  });
  parser.end(html);
  return styles;
}

const ATTRIBUTE = /(?<=["'\s])([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+))?/g;

function withStyle(tag: string, style: string | null): string {
  if (style === null) return tag;
  const written = `style="${style.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"`;
  for (const { index, 0: attribute, 1: name } of tag.matchAll(ATTRIBUTE)) {
    if (name?.toLowerCase() === 'style') return tag.slice(0, index) + written + tag.slice(index + attribute.length);
  }
  return tag.replace(/^<[^\s/>]+/, (opening) => `${opening} ${written}`);
}
