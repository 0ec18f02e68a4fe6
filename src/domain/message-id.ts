import { createHmac } from 'node:crypto';

/** Characters of base64url that 128 bits take. */
export const MESSAGE_ID_LOCAL_LENGTH = 22;

/**
 * The Message-ID of a campaign's message to an address, with its angle brackets (RFC 5322 3.6.4): 128 bits of
 * HMAC-SHA256(salt, campaignId NUL address) as base64url, at the sender's domain. It is the same at every attempt, so
 * that a second copy can be told from a second message, and says nothing about the recipient to whoever lacks the salt.
 */
export function messageIdOf(campaignId: string, salt: string, fromDomain: string, address: string): string {
  const mac = createHmac('sha256', salt).update(`${campaignId}\0${address}`).digest();
  return `<${mac.toString('base64url', 0, 16)}@${fromDomain}>`;
}
