import type { Settings } from '../config/settings.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { parseSender } from '../message/sender.js';
import { compileTemplate } from '../message/template.js';
import { testUnsubscribing } from '../message/unsubscribe.js';
import type { RecipientList } from '../recipients/list.js';
import { parseRelayUrls } from '../relay/urls.js';
import { bulkFindings } from './check/bulk-checks.js';
import { dkimFindings, recordedKey } from './check/dkim-checks.js';
import { dnsFindings } from './check/dns/dns-checks.js';
import { FileChecks } from './check/file-checks.js';
import { attempt, type Finding, finding, refusalOf } from './check/finding.js';
import { type Largest, MessageChecks } from './check/message-checks.js';
import { AddressChecks, VariableChecks } from './check/row-checks.js';
import {
  fromOf,
  loadPlanTemplate,
  mayFailOn,
  openPlanList,
  replyToOf,
  sourceName,
  variableFaults,
  withTestUrl,
} from './plan.js';
import type { Session } from './session.js';
import { keysOf } from './signing.js';
import { unsubscribeOf } from './unsubscribe-options.js';
import { type Checked, checkLines, checkObject, isRefused } from './view/check.js';

type CheckSettings = Settings<'check'>;

/** `fanmail check`: all that launch would refuse and what else looks wrong, in one go; stages and sends nothing. */
export async function check(settings: CheckSettings, { terminal, cwd }: Session): Promise<number> {
  const checked = { ...(await examine(settings, cwd)), strict: settings.strict };
  if (settings.json) terminal.out(JSON.stringify(checkObject(checked)));
  else terminal.out(checkLines(checked, terminal.outStyle).join('\n'));
  return isRefused(checked) ? EXIT.refused : EXIT.ok;
}

/** Each step goes on where an earlier one found a fault, as far as that leaves something to look at. */
async function examine(settings: CheckSettings, cwd: string): Promise<Omit<Checked, 'strict'>> {
  const findings: Finding[] = [];
  const source = await attempt(findings, () => loadPlanTemplate(settings, { id: 'check', name: settings.list }));
  // What can't be read may have named one.
  const from = source || settings.from !== null ? await attempt(findings, () => fromOf(settings, source ?? {})) : null;
  const replyTo = await attempt(findings, () => replyToOf(settings, source ?? {}));
  await checkRelay(settings, findings);
  const keys = (await attempt(findings, () => keysOf(settings, cwd))) ?? [];
  findings.push(...dkimFindings(keys));
  if (from !== null) {
    const sender = { domain: parseSender(from).domain, keys: keys.map(recordedKey), dns: settings.dns };
    findings.push(...(await dnsFindings(sender)));
  }
  const unsubscribe = (await attempt(findings, () => unsubscribeOf(settings))) ?? null;
  const compiled = source && (await attempt(findings, () => compileTemplate(source)));
  const template = compiled && withTestUrl(compiled, settings.unsubscribeUrl);
  const list = await attempt(findings, () => openPlanList(settings));
  if (list?.notice) findings.push(finding('ENCODING_GUESSED', list.notice, 'Name it with --encoding.'));
  const recipientFiles = source?.recipientFiles ?? null;
  const unknown = template && list ? variableFaults(template, list, { ...settings, files: recipientFiles }) : [];
  findings.push(...unknown.map(refusalOf));
  if (!list) return { source: sourceName(settings), rows: 0, sendable: 0, largest: null, findings };

  const variables = template && unknown.length === 0 ? new VariableChecks(template.needs.map((n) => n.variable)) : null;
  const unsubscribing = testUnsubscribing(unsubscribe);
  const messages =
    source && template && variables && from !== null
      ? new MessageChecks({ source, template, from, replyTo, renderAll: mayFailOn(template, list), unsubscribing })
      : null;
  const files = new FileChecks(unknown.length === 0 ? recipientFiles : null);
  const read = await readRows(list, { findings, variables, files, messages });
  findings.push(...bulkFindings(read.sendable, unsubscribe));
  return { source: sourceName(settings), ...read };
}

async function checkRelay({ smtp }: CheckSettings, findings: Finding[]): Promise<void> {
  if (smtp !== null) await attempt(findings, () => parseRelayUrls(smtp.reveal()));
  else findings.push(finding('RELAY_MISSING', 'no relay is named yet', 'For the launch, set SMTP_URL or give --smtp.'));
}

interface Checks {
  readonly findings: Finding[];
  readonly variables: VariableChecks | null;
  readonly files: FileChecks;
  readonly messages: MessageChecks | null;
}

async function readRows(list: RecipientList, { findings, variables, files, messages }: Checks) {
  const addresses = new AddressChecks();
  let [rows, sendable] = [0, 0];
  await attempt(findings, async () => {
    for await (const batch of list.batches()) {
      rows += batch.length;
      for (const row of batch) {
        if (row.kind === 'reject') {
          addresses.reject(row.reject);
          continue;
        }
        sendable++;
        addresses.recipient(row.recipient);
        const complete = variables?.recipient(row.recipient);
        const attached = await files.recipient(row.recipient);
        if (complete && attached) messages?.recipient(attached.recipient, attached.contents);
      }
    }
    if (sendable > 0) return;
    const hint = 'Every row was rejected; the reasons are below.';
    throw new FanmailError('LIST_NOTHING_SENDABLE', `none of the list's ${rows} rows can be sent`, { hint });
  });
  const largest: Largest | null = messages?.largest() ?? null;
  findings.push(...(variables?.findings() ?? []), ...files.findings(), ...(messages?.findings() ?? []));
  findings.push(...addresses.findings());
  return { rows, sendable, largest, findings };
}
