/** RFC 6376 3.3.2, RFC 8463 3. */
export type DkimAlgorithm = 'rsa-sha256' | 'ed25519-sha256';

/** A key that signs messages (RFC 6376), as far as others may know it. */
export interface DkimIdentity {
  /** In ASCII and lower case. */
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  /** A short hash of the public key, so that a worker knows whether its own key is the one meant. */
  readonly key: string;
}

/** The name in the DNS under which the public key stands (RFC 6376 3.6.2.1). */
export function recordName({ selector, domain }: Pick<DkimIdentity, 'selector' | 'domain'>): string {
  return `${selector}._domainkey.${domain}`;
}
