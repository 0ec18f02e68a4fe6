import type { Settings } from '../config/settings.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { parseSender } from '../message/sender.js';
import { type CompiledTemplate, compileTemplate, type TemplateSource } from '../message/template.js';
import { testUnsubscribing } from '../message/unsubscribe.js';
import type { RecipientList } from '../recipients/list.js';
import { parseRelayUrls } from '../relay/urls.js';
import { attempt, type Finding, finding, refusalOf } from './check/finding.js';
import { type Largest, MessageChecks } from './check/message-checks.js';
import { AddressChecks, VariableChecks } from './check/row-checks.js';
import { loadPlanTemplate, openPlanList, sourceName, variableFaults, withTestUrl } from './plan.js';
import type { Session } from './session.js';
import { unsubscribeOf } from './unsubscribe-options.js';
import { type Checked, checkLines, checkObject, isRefused } from './view/check.js';

type CheckSettings = Settings<'check'>;

/** `fanmail check`: all that launch would refuse and what else looks wrong, in one go; stages and sends nothing. */
export async function check(settings: CheckSettings, { terminal }: Session): Promise<number> {
  const checked = { ...(await examine(settings)), strict: settings.strict };
  if (settings.json) terminal.out(JSON.stringify(checkObject(checked)));
  else terminal.out(checkLines(checked, terminal.outStyle).join('\n'));
  return isRefused(checked) ? EXIT.refused : EXIT.ok;
}

/** Each step goes on where an earlier one found a fault, as far as that leaves something to look at. */
async function examine(settings: CheckSettings): Promise<Omit<Checked, 'strict'>> {
  const findings: Finding[] = [];
  const from = await attempt(findings, () => parseSender(settings.from).header);
  const replyTo = await attempt(findings, () => settings.replyTo && parseSender(settings.replyTo).header);
  await checkRelay(settings, findings);
  const unsubscribe = (await attempt(findings, () => unsubscribeOf(settings))) ?? null;
  const source = await attempt(findings, () => loadPlanTemplate(settings));
  const compiled = source && (await compile(source, findings));
  const template = compiled && withTestUrl(compiled, settings.unsubscribeUrl);
  const list = await attempt(findings, () => openPlanList(settings));
  if (list?.notice) findings.push(finding('ENCODING_GUESSED', list.notice, 'Name it with --encoding.'));
  const unknown = template && list ? variableFaults(template, list, settings) : [];
  findings.push(...unknown.map(refusalOf));
  if (!list) return { source: sourceName(settings), rows: 0, sendable: 0, largest: null, findings };

  const variables = template && unknown.length === 0 ? new VariableChecks(template.needs.map((n) => n.variable)) : null;
  const renderAll = list.format !== 'csv';
  const unsubscribing = testUnsubscribing(unsubscribe);
  const messages =
    source && template && variables && from !== null
      ? new MessageChecks({ source, template, from, replyTo, renderAll, unsubscribing })
      : null;
  return { source: sourceName(settings), ...(await readRows(list, { findings, variables, messages })) };
}

async function checkRelay({ smtp }: CheckSettings, findings: Finding[]): Promise<void> {
  if (smtp !== null) await attempt(findings, () => parseRelayUrls(smtp.reveal()));
  else findings.push(finding('RELAY_MISSING', 'no relay is named yet', 'For the launch, set SMTP_URL or give --smtp.'));
}

/** The compiled template; where it has faults, the first one of each part is found. */
async function compile(source: TemplateSource, findings: Finding[]): Promise<CompiledTemplate | null> {
  const faults: Finding[] = [];
  const whole = await attempt(faults, () => compileTemplate(source));
  if (whole) return whole;
  const none = { ...source, subject: '', html: null, text: '' };
  for (const part of [{ subject: source.subject }, { html: source.html }, { text: source.text ?? '' }]) {
    await attempt(faults, () => compileTemplate({ ...none, ...part }));
  }
  const messages = new Set<string>();
  for (const fault of faults) {
    if (!messages.has(fault.message)) findings.push(fault);
    messages.add(fault.message);
  }
  return null;
}

interface Checks {
  readonly findings: Finding[];
  readonly variables: VariableChecks | null;
  readonly messages: MessageChecks | null;
}

async function readRows(list: RecipientList, { findings, variables, messages }: Checks) {
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
        if (variables?.recipient(row.recipient)) messages?.recipient(row.recipient);
      }
    }
    if (sendable > 0) return;
    const hint = 'Every row was rejected; the reasons are below.';
    throw new FanmailError('LIST_NOTHING_SENDABLE', `none of the list's ${rows} rows can be sent`, { hint });
  });
  const largest: Largest | null = messages?.largest() ?? null;
  findings.push(...(variables?.findings() ?? []), ...(messages?.findings() ?? []), ...addresses.findings());
  return { rows, sendable, largest, findings };
}
