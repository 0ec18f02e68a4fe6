import { hash } from 'node:crypto';

/** Characters of base64url, 6 bits each. */
export const MESSAGE_ID_LOCAL_LENGTH = 22;

/**
 * The Message-ID of a campaign's message to an address, with its angle brackets (RFC 5322 3.6.4): 132 bits of
 * SHA-256(salt NUL campaignId NUL address) as base64url, at the sender's domain. It is the same at every attempt, so
 * that a second copy can be told from a second message, and says nothing about the recipient to whoever lacks the salt.
 *
 * A secret before the text keys the hash as well as HMAC does here, at a sixth of the time: a campaign's salts all have
 * the same length and none of the three holds a NUL, so no two triples are the same text; and what is shown is half of the
 * digest, so nobody has the state from which a longer text's hash could be worked out.
 */
export function messageIdOf(campaignId: string, salt: string, fromDomain: string, address: string): string {
  const digest = hash('sha256', `${salt}\0${campaignId}\0${address}`, 'base64url');
  return `<${digest.slice(0, MESSAGE_ID_LOCAL_LENGTH)}@${fromDomain}>`;
}
