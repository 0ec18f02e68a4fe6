/** The tags of a DMARC or DKIM record (RFC 6376 3.2), their names in lower case. */
export type Tags = ReadonlyMap<string, string>;

/** Reads `v=DMARC1; p=none`. Of a tag that stands there twice, the first one counts. */
export function tagsOf(record: string): Tags {
  const tags = new Map<string, string>();
  for (const part of record.split(';')) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(0, equals)).trim().toLowerCase();
    if (name !== '' && !tags.has(name)) tags.set(name, part.slice(equals + 1).trim());
  }
  return tags;
}
