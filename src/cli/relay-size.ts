import { encodedBytes } from '../domain/attached-file.js';
import { FanmailError } from '../domain/errors.js';
import type { RecipientFiles } from '../pipeline/staging-ports.js';
import { describeRelay, identityOf, type RelaySettings } from '../relay/url.js';
import { count } from '../report/format.js';
import type { Plan } from './plan.js';

interface Limit {
  /** Of the whole message. */
  readonly bytes: number;
  /** The relay's, for a person. */
  readonly where: string;
}

/**
 * Refuses messages with files that a relay says it does not take (RFC 1870), before anything is sealed: what all carry at once, and
 * what each carries when it is read. A relay that can't be reached now is none that refuses. Throws ATTACHMENT_INVALID.
 */
export async function withinRoom(plan: Plan, relays: readonly RelaySettings[], signal: AbortSignal): Promise<Plan> {
  const { files = [], html, text } = plan.template;
  if (files.length === 0 && plan.recipientFiles === null) return plan;
  const limit = await leastLimit(relays, signal);
  if (limit === null) return plan;
  const carried = files.reduce((sum, file) => sum + encodedBytes(file), 0);
  // What the headers and the encoding add is small beside files.
  const bytes = carried + Buffer.byteLength(html ?? '') + Buffer.byteLength(text ?? '');
  if (bytes > limit.bytes) throw tooLarge('a message', bytes, limit);
  return { ...plan, recipientFiles: plan.recipientFiles && limited(plan.recipientFiles, bytes, limit) };
}

async function leastLimit(relays: readonly RelaySettings[], signal: AbortSignal): Promise<Limit | null> {
  // What speaks SMTP takes a while to load, and few launches ask a relay.
  const { probeRelay } = await import('../relay/probe.js');
  let least: Limit | null = null;
  for (const relay of relays) {
    const probed = await probeRelay(relay, signal);
    if (probed.kind === 'fault' || probed.sizeLimit === null) continue;
    if (least === null || probed.sizeLimit < least.bytes)
      least = { bytes: probed.sizeLimit, where: describeRelay(identityOf(relay)) };
  }
  return least;
}

function limited(files: RecipientFiles, besides: number, limit: Limit): RecipientFiles {
  return {
    needs: files.needs,
    async of(recipient) {
      const carried = await files.of(recipient);
      const bytes = carried.files.reduce((sum, file) => sum + encodedBytes(file), besides);
      if (bytes <= limit.bytes) return carried;
      throw tooLarge(`line ${recipient.line} (${recipient.address}): its message`, bytes, limit);
    },
  };
}

function tooLarge(what: string, bytes: number, limit: Limit): FanmailError {
  const problem = `${what} has more than ${count(bytes)} bytes, and ${limit.where} takes ${count(limit.bytes)}`;
  return new FanmailError('ATTACHMENT_INVALID', problem, {
    hint: 'Link to the files instead, or to the largest of them.',
  });
}
