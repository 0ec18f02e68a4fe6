import { FanmailError } from '../../domain/errors.js';

const STYLE = /(<style\b(?:"[^"]*"|'[^']*'|[^"'>])*>)([\s\S]*?)(<\/style\s*>)/gi;
/** At-rules whose rules hold only at times. Of fonts and key frames nothing is inlined. */
const CONDITIONS = new Set(['media', 'supports', 'container']);
const STATES = /:(?:hover|focus|focus-within|focus-visible|active|visited|target|checked)\b/i;

/**
 * What holds only on a small screen, in the dark or under a pointer, prevails over what was inlined: a style attribute counts
 * more than any rule, unless the rule is `!important` (CSS Cascade 4, 6.4).
 * Throws TEMPLATE_SYNTAX where the CSS can't be read.
 */
export async function conditionsPrevail(html: string): Promise<string> {
  const { parse, CssSyntaxError } = await import('postcss');
  const prevailing = (css: string): string => {
    const root = parse(css);
    root.walkRules((rule) => {
      const holder = rule.parent;
      const isConditional = holder?.type === 'atrule' && 'name' in holder && CONDITIONS.has(holder.name.toLowerCase());
      if (!isConditional && !STATES.test(rule.selector)) return;
      rule.each((node) => {
        if (node.type === 'decl') node.important = true;
      });
    });
    return root.toString();
  };
  try {
    return html.replace(STYLE, (whole, open: string, css: string, close: string) =>
      isLeftAlone(open) ? whole : open + prevailing(css) + close,
    );
  } catch (cause) {
    if (!(cause instanceof CssSyntaxError)) throw cause;
    throw cssFault(cause.reason, cause);
  }
}

export function cssFault(said: string, cause: unknown): FanmailError {
  const hint = 'Look at its <style> and style="…"; <style data-css-inline="ignore"> is left as it is.';
  return new FanmailError('TEMPLATE_SYNTAX', `the CSS of html.hbs can't be read: ${said}`, { hint, cause });
}

function isLeftAlone(open: string): boolean {
  return /\bdata-css-inline\s*=\s*["']?ignore/i.test(open);
}
