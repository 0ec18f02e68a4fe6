import { type Finding, finding } from '../finding.js';
import { type Lookups, recordsOf } from './lookups.js';
import { excerpt } from './words.js';

/** RFC 7208 4.6.4. */
const MOST_LOOKUPS = 10;
/** RFC 7208 4.6.1, 5 and 6, near enough to find what is mistyped. */
const TERM = /^(?:[-+?~]?(?:all|(?:include|exists|ip4|ip6):\S+|(?:a|mx|ptr)(?:[:/]\S+)?)|[a-z][a-z0-9_.-]*=\S*)$/i;
const LOOKUP = /^[-+?~]?(?:include:|exists:|(?:a|mx|ptr)(?:[:/]|$))|^redirect=/i;
/** Another record that is read, too. One with a macro depends on the message. */
const FURTHER = /^(?:[-+?~]?include:|redirect=)([a-z0-9_.-]{1,253})$/i;
const ALL = /^[-+?~]?all$/i;

const WHAT_FOR = 'It is a TXT record that names the servers which may send for the domain; ask who runs your relay.';
const MEND = 'Mend the record: with an error in it, receivers treat the domain as if it had none, or worse.';

/** What receivers would find wrong with the SPF record of the sender's domain (RFC 7208). */
export async function spfFindings(domain: string, lookups: Lookups): Promise<Finding[]> {
  const answer = await lookups.txt(domain);
  if (answer.kind === 'failed') return [];
  const [record, ...more] = spfOf(recordsOf(answer));
  if (record === undefined) return [finding('SPF_MISSING', `${domain} has no SPF record`, WHAT_FOR)];
  // RFC 7208 4.5
  if (more.length > 0) return [invalid(`${domain} has ${more.length + 1} SPF records, where one may be`)];
  const wrong = termsOf(record).find((term) => !TERM.test(term));
  if (wrong !== undefined)
    return [invalid(`the SPF record of ${domain} holds "${excerpt(wrong)}", which SPF does not know`)];
  const open = termsOf(record).some((term) => /^\+?all$/i.test(term));
  const hint = 'End the record with -all or ~all, after the servers that may send.';
  return [
    ...(open ? [finding('SPF_PASSES_ALL', `the SPF record of ${domain} lets everybody send for it (+all)`, hint)] : []),
    ...(await furtherFindings(domain, record, lookups)),
  ];
}

/** Follows what the record includes as far as a receiver would. */
async function furtherFindings(domain: string, record: string, lookups: Lookups): Promise<Finding[]> {
  let asked = 0;
  let records = [record];
  while (records.length > 0) {
    const terms = records.flatMap(termsOf);
    asked += terms.filter((term) => LOOKUP.test(term)).length;
    if (asked > MOST_LOOKUPS)
      return [invalid(`the SPF record of ${domain} needs more than ${MOST_LOOKUPS} lookups with all that it includes`)];
    const targets = terms.flatMap((term) => FURTHER.exec(term)?.[1] ?? []);
    const answers = await Promise.all(targets.map((target) => lookups.txt(target)));
    const found = answers.map((answer) => spfOf(recordsOf(answer)));
    const none = answers.findIndex((answer, i) => answer.kind !== 'failed' && found[i]?.length !== 1);
    // RFC 7208 5.2
    if (none >= 0)
      return [
        invalid(`the SPF record of ${domain} includes ${excerpt(targets[none] ?? '')}, which has not one SPF record`),
      ];
    records = found.flat();
  }
  return [];
}

function spfOf(records: readonly string[]): string[] {
  return records.filter((record) => /^v=spf1(?: |$)/i.test(record));
}

/** Up to `all`: what comes after it is never read, nor is a redirect beside it (RFC 7208 5.1). */
function termsOf(record: string): string[] {
  const terms = record
    .split(' ')
    .filter((term) => term !== '')
    .slice(1);
  const all = terms.findIndex((term) => ALL.test(term));
  return all < 0 ? terms : terms.slice(0, all + 1).filter((term) => !/^redirect=/i.test(term));
}

function invalid(message: string): Finding {
  return finding('SPF_INVALID', message, MEND);
}
