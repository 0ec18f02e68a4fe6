import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const TYPES = { A: 1, NS: 2, MX: 15, TXT: 16, AAAA: 28 } as const;
type RecordType = keyof typeof TYPES;

/** What the server has under a name; or how it fails there. */
export type Held =
  | Readonly<Partial<Record<RecordType, readonly (string | readonly string[])[] | 'servfail'>>>
  | 'silent'
  | 'servfail'
  | 'garbage';
export type Zone = Readonly<Record<string, Held>>;

/** What the docs tell of: a sender without DMARC. */
export const DNS_OF_DOCS: Zone = {
  com: { NS: ['a.gtld-servers.net'] },
  'example.com': { MX: ['mx.example.com'], TXT: ['v=spf1 ip4:192.0.2.1 -all'] },
};

export interface DnsServer {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** `TXT example.com` for each question, in their order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** A DNS server (RFC 1035) over UDP that answers from a zone, which may change; names outside of it don't exist. */
export async function startDns(zone: Zone): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, peer) => {
    const { name, type, end } = questionOf(query);
    asked.push(`${typeName(type)} ${name}`);
    const held = zone[name];
    if (held === 'silent') return;
    socket.send(held === 'garbage' ? garbage(query) : reply(query.subarray(0, end), zone, name, type), peer.port);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

/** The one question of a query, whose names are never compressed. */
function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function typeName(type: number): string {
  return Object.entries(TYPES).find(([, number]) => number === type)?.[0] ?? String(type);
}

function reply(asked: Buffer, zone: Zone, name: string, type: number): Buffer {
  const held = zone[name];
  const answer = typeof held === 'object' ? (held[typeName(type) as RecordType] ?? []) : held;
  const values = typeof answer === 'object' ? answer : [];
  const exists = Object.keys(zone).some((known) => known === name || known.endsWith(`.${name}`));
  const rcode = answer === 'servfail' ? 2 : exists ? 0 : 3;
  const header = Buffer.from(asked);
  header.writeUInt16BE(0x8580 | rcode, 2);
  header.writeUInt16BE(values.length, 6);
  header.writeUInt32BE(0, 8);
  return Buffer.concat([header, ...values.map((value) => recordOf(type, value))]);
}

function recordOf(type: number, value: string | readonly string[]): Buffer {
  const data = dataOf(type, value);
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 255]);
  return Buffer.concat([head, data]);
}

function dataOf(type: number, value: string | readonly string[]): Buffer {
  const [text = ''] = [value].flat();
  if (type === TYPES.A) return Buffer.from(text.split('.').map(Number));
  // Only such as ::1.
  if (type === TYPES.AAAA) return Buffer.from([...Array<number>(15).fill(0), Number(text.slice(2))]);
  if (type === TYPES.NS) return nameOf(text);
  if (type === TYPES.MX) return Buffer.concat([Buffer.from([0, 10]), nameOf(text)]);
  return Buffer.concat([value].flat().map(lengthAnd));
}

/** `.` is the root. */
function nameOf(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.map(lengthAnd), Buffer.from([0])]);
}

function lengthAnd(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length > 255) throw new Error(`a string of the DNS has at most 255 bytes, not ${bytes.length}`);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** The right id, and records that are announced and not there. */
function garbage(query: Buffer): Buffer {
  return Buffer.concat([query.subarray(0, 2), Buffer.from([0x85, 0x80, 0, 1, 0, 9, 0, 0, 0, 0, 0xc0, 0xc0])]);
}
