import type { IncomingMessage } from 'node:http';

/** What a form or a mail program sends has a few hundred bytes. */
const MOST_BYTES = 8 * 1024;

/**
 * The fields of a form: `application/x-www-form-urlencoded` or `multipart/form-data`, both of which RFC 8058 3.2 allows; null
 * for a body that is neither, and `too-large` where it is.
 */
export async function readFields(request: IncomingMessage): Promise<URLSearchParams | null | 'too-large'> {
  const body = await readBody(request);
  if (body === null) return 'too-large';
  const type = request.headers['content-type'] ?? '';
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) return new URLSearchParams(body.toString());
  if (!/^multipart\/form-data\b/i.test(type)) return null;
  const fields = new URLSearchParams();
  try {
    for (const [name, value] of await new Response(body, { headers: { 'content-type': type } }).formData())
      if (typeof value === 'string') fields.append(name, value);
  } catch {
    return null;
  }
  return fields;
}

/** Null where it is too large; the rest of it is let go by. */
function readBody(request: IncomingMessage): Promise<Buffer<ArrayBuffer> | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MOST_BYTES) chunks.push(chunk);
      else resolve(null);
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
  });
}
