import { FanmailError } from '../domain/errors.js';
import { probeRelay } from '../relay/probe.js';
import { describeRelay, identityOf, type RelaySettings } from '../relay/url.js';
import { count } from '../report/format.js';
import type { Plan } from './plan.js';

/**
 * Refuses messages with files that a relay says it does not take (RFC 1870), before anything is staged. One that can't be reached
 * now is none that refuses. Throws ATTACHMENT_INVALID.
 */
export async function requireRoom(plan: Plan, relays: readonly RelaySettings[], signal: AbortSignal): Promise<void> {
  const { files = [], html, text } = plan.template;
  if (files.length === 0) return;
  const carried = files.reduce((sum, { digest }) => sum + (plan.contents.get(digest)?.length ?? 0), 0);
  // What the headers and the encoding add is small beside files.
  const bytes = carried + Buffer.byteLength(html ?? '') + Buffer.byteLength(text ?? '');
  for (const relay of relays) {
    const probed = await probeRelay(relay, signal);
    if (probed.kind === 'fault' || probed.sizeLimit === null || probed.sizeLimit >= bytes) continue;
    const where = describeRelay(identityOf(relay));
    const problem = `a message has more than ${count(bytes)} bytes, and ${where} takes ${count(probed.sizeLimit)}`;
    throw new FanmailError('ATTACHMENT_INVALID', problem, {
      hint: 'Link to the files instead, or to the largest of them.',
    });
  }
}
