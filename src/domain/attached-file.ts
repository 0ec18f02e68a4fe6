/** A file that every message of a campaign carries, without its content: that lies in Redis once, by its digest. */
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

/** Encoded contents by digest: base64 in lines of 76 characters, each with CRLF (RFC 2045 6.8). */
export type EncodedContents = ReadonlyMap<string, Buffer>;
