import type { UnsubscribeOptions } from '../../domain/unsubscribe.js';
import { count } from '../../report/format.js';
import { type Finding, finding } from './finding.js';

/** So many recipients are a mailing, and not some letters. */
const BULK = 100;

/** What providers demand of who sends to many. */
export function bulkFindings(sendable: number, unsubscribe: UnsubscribeOptions | null): Finding[] {
  if (sendable < BULK || unsubscribe !== null) return [];
  const hint =
    'Give --unsubscribe-url, or --unsubscribe-mailto: Gmail and Yahoo demand one click of who sends in bulk. Mail that somebody ordered needs none.';
  return [finding('NO_UNSUBSCRIBE', `${count(sendable)} recipients have no way to unsubscribe`, hint)];
}
