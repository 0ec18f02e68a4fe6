/** A file that messages of a campaign carry, all or one, without its content: that lies in Redis once, by its digest. */
export interface AttachedFile {
  /** As receivers see it; no path. */
  readonly name: string;
  /** Of its ending, such as `application/pdf` (RFC 6838). */
  readonly type: string;
  /** Before encoding. */
  readonly bytes: number;
  /** SHA-256 of the content, in hex. */
  readonly digest: string;
  /** What the HTML shows it by, without angle brackets (RFC 2392); null: it is attached. */
  readonly cid: string | null;
}

/** How many bytes a content takes when it is encoded. */
export function encodedBytes({ bytes }: Pick<AttachedFile, 'bytes'>): number {
  const base64 = Math.ceil(bytes / 3) * 4;
  return base64 + Math.ceil(base64 / 76) * 2;
}

/** Encoded contents by digest: base64 in lines of 76 characters, each with CRLF (RFC 2045 6.8). */
export type EncodedContents = ReadonlyMap<string, Buffer>;
