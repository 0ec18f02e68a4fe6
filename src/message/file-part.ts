import { createRequire } from 'node:module';
import type { AttachedFile } from '../domain/attached-file.js';

const LINE = 76;

/** Takes a while to load, and only messages with files need it. */
export const mimeFuncs = (): typeof import('nodemailer/lib/mime-funcs') =>
  createRequire(import.meta.url)('nodemailer/lib/mime-funcs');

/** A part of a message, headers and content; most are the same in all messages. */
export interface FilePart {
  readonly head: Buffer;
  readonly content: Buffer;
}

/** The part of a file (RFC 2045, 2183, 2231); its content is encoded already. */
export function filePart({ name, type, cid }: AttachedFile, content: Buffer): FilePart {
  const { buildHeaderValue, foldLines } = mimeFuncs();
  const header = (field: string, value: string, params: Record<string, string>) =>
    foldLines(`${field}: ${buildHeaderValue({ value, params })}`, LINE);
  const lines = [
    header('Content-Type', type, { name }),
    header('Content-Disposition', cid === null ? 'attachment' : 'inline', { filename: name }),
    'Content-Transfer-Encoding: base64',
    ...(cid === null ? [] : [`Content-ID: <${cid}>`]),
  ];
  return { head: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), content };
}

/** Base64 in lines of 76 characters, each with CRLF. */
export function encodeFile(content: Buffer): Buffer {
  const whole = content.toString('base64');
  const encoded = Buffer.allocUnsafe(whole.length + 2 * Math.ceil(whole.length / LINE));
  let end = 0;
  for (let at = 0; at < whole.length; at += LINE)
    end += encoded.write(`${whole.slice(at, at + LINE)}\r\n`, end, 'latin1');
  return encoded;
}
