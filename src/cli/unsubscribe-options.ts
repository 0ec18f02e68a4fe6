import type { Settings } from '../config/settings.js';
import { FanmailError } from '../domain/errors.js';
import type { UnsubscribeOptions } from '../domain/unsubscribe.js';
import type { CompiledTemplate } from '../message/template.js';
import { parseAddress } from '../recipients/address.js';
import type { RecipientList } from '../recipients/list.js';

export type UnsubscribeSettings = Pick<Settings<'launch'>, 'unsubscribeUrl' | 'unsubscribeMailto'>;

/**
 * What the messages say of unsubscribing, from what was asked for; null: nothing.
 * @throws FanmailError OPTION_INVALID where what stands for an address is none.
 */
export function unsubscribeOf({ unsubscribeUrl, unsubscribeMailto }: UnsubscribeSettings): UnsubscribeOptions | null {
  const mailto = unsubscribeMailto === null ? null : requireMailto(unsubscribeMailto);
  return unsubscribeUrl === null && mailto === null ? null : { url: unsubscribeUrl, mailto };
}

function requireMailto(text: string): string {
  const parsed = parseAddress(text);
  if (parsed.ok) return parsed.address;
  throw new FanmailError('OPTION_INVALID', `--unsubscribe-mailto can't be "${text}": ${parsed.detail}`, {
    hint: 'Allowed: one address, such as unsubscribe@example.com.',
  });
}

/** An error for each variable of fanmail's own that a template uses and that this launch does not give, or the list, too. */
export function ownVariableFaults(
  { own }: Pick<CompiledTemplate, 'own'>,
  list: RecipientList,
  source: string,
  { unsubscribeUrl }: Pick<UnsubscribeSettings, 'unsubscribeUrl'>,
): FanmailError[] {
  const columns = list.format === 'csv' ? list.columns.map(({ variable }) => variable) : [];
  return own.flatMap(({ variable, file, line, column }) => {
    const place = `${file}, line ${line}, column ${column} uses {{${variable}}}`;
    const fault = (problem: string, hint: string) =>
      new FanmailError('TEMPLATE_UNKNOWN_VARIABLE', `${place}, ${problem}`, { hint });
    if (columns.includes(variable))
      return [
        fault(
          `which fanmail gives, and ${source} has a column of that name`,
          'rename the column, and use its name in the template where that one is meant',
        ),
      ];
    if (unsubscribeUrl !== null) return [];
    return [
      fault('and no --unsubscribe-url is given', 'give --unsubscribe-url, or set FANMAIL_UNSUBSCRIBE_URL in .env'),
    ];
  });
}
