import type { Socket } from 'node:net';
import type { Action, Recorded, ScriptEvent, ScriptRelayOptions } from './script-relay.js';

/** What a session needs of its server. */
export interface SessionHost {
  readonly options: ScriptRelayOptions;
  write(entry: Recorded): void;
  content(content: Buffer): void;
  secure(socket: Socket): Socket;
}

const HEAD = 4_096;
const LARGE = 262_144;
const NONE = Buffer.alloc(0);
const END = Buffer.from('\r\n.\r\n');

/** One connection: reads commands and messages, asks the script, answers. */
export class Session {
  #socket: Socket;
  readonly #number: number;
  readonly #host: SessionHost;
  #input: Buffer = NONE;
  #output = '';
  /** The last answer, without its CRLF. */
  #said = '';
  #from: string | null = null;
  #to: string[] = [];
  #messages = 0;
  #inMessage = false;
  /** Whether the script was asked about this message's first bytes. */
  #begun = false;
  #searched = 0;
  /** The first bytes of a large message; null of any other. */
  #head: Buffer | null = null;
  /** What to do once the answer is out. */
  #next: (() => void) | null = null;
  /** Waits for an answer to be out; what comes meanwhile is kept. */
  #paused = false;

  constructor(socket: Socket, number: number, host: SessionHost) {
    this.#socket = socket;
    this.#number = number;
    this.#host = host;
    this.#listen();
    this.#answer('greeting', '', '', '220 script.test ESMTP');
    this.#flush();
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
      this.#read();
    });
  }

  #read(): void {
    while (!this.#paused && !this.#socket.destroyed) {
      const more = this.#inMessage ? this.#readMessage() : this.#readCommand();
      if (!more) break;
    }
    this.#flush();
  }

  #readCommand(): boolean {
    const end = this.#input.indexOf(10);
    if (end < 0) return false;
    const line = this.#input.toString('latin1', 0, end).replace(/\r$/, '');
    this.#input = this.#input.subarray(end + 1);
    this.#onCommand(line);
    return true;
  }

  #readMessage(): boolean {
    if (!this.#begun && this.#input.length > 0) {
      this.#begun = true;
      const action = this.#host.options.behave?.(this.#event('body', this.#to[0] ?? '', ''));
      if (action) this.#perform(action, '');
      if (this.#paused) return false;
    }
    const empty = this.#head === null && this.#searched === 0 && this.#input.indexOf('.\r\n') === 0;
    const end = empty ? -2 : this.#input.indexOf(END, this.#searched);
    if (end === -1) {
      this.#searched = Math.max(0, this.#input.length - 4);
      if (!this.#host.options.contents) this.#forgetRead();
      return false;
    }
    const content = this.#head ?? this.#input.subarray(0, end + 2);
    this.#input = this.#input.subarray(end + 5);
    this.#inMessage = false;
    this.#onMessage(content);
    return true;
  }

  /** Of a large message only the head is looked at; the rest would be copied again with every packet. */
  #forgetRead(): void {
    if (this.#input.length < LARGE) return;
    this.#head ??= Buffer.from(this.#input.subarray(0, HEAD));
    this.#input = this.#input.subarray(this.#searched);
    this.#searched = 0;
  }

  #onCommand(line: string): void {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'MAIL') {
      const from = path(line);
      if (this.#answer('mail', from, line, '250 2.1.0 ok')) this.#from = from;
    } else if (verb === 'RCPT') this.#onRecipient(line);
    else if (verb === 'DATA') this.#onData(line);
    else if (verb === 'EHLO' || verb === 'HELO') this.#onHello(line);
    else if (verb === 'AUTH') this.#answer('auth', line.slice(5), line, '235 2.7.0 welcome');
    else if (verb === 'RSET') {
      if (this.#answer('rset', '', line, '250 2.0.0 reset')) this.#clear();
    } else if (verb === 'QUIT') this.#answer('quit', '', line, '221 2.0.0 bye', { after: 'end' });
    else if (verb === 'STAR' && this.#host.options.tls) this.#onStartTls(line);
    else this.#output += '500 5.5.1 unknown command\r\n';
  }

  #onRecipient(line: string): void {
    const to = path(line);
    if (this.#from === null) this.#output += '503 5.5.1 MAIL first\r\n';
    else if (this.#answer('rcpt', to, line, '250 2.1.5 ok')) this.#to.push(to);
    else if (/^[45]/.test(this.#said))
      this.#host.write({ to, from: this.#from, accepted: false, reply: this.#said, at: Date.now() });
  }

  #onData(line: string): void {
    const usual = this.#to.length > 0 ? '354 go on' : '503 5.5.1 RCPT first';
    this.#answer('data', this.#to[0] ?? '', line, usual);
    this.#inMessage = this.#said.startsWith('354');
    this.#begun = false;
    this.#head = null;
    this.#searched = 0;
  }

  #onHello(line: string): void {
    const { extensions = ['PIPELINING', 'SIZE 10485760', 'ENHANCEDSTATUSCODES'], tls } = this.#host.options;
    const offers = [...extensions, ...(tls && !('encrypted' in this.#socket) ? ['STARTTLS'] : [])];
    const lines = ['script.test', ...offers];
    const reply = lines.map((text, i) => `250${i === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n');
    this.#answer('ehlo', line.slice(5), line, reply);
  }

  #onStartTls(line: string): void {
    if (!this.#answer('starttls', '', line, '220 2.0.0 go on')) return;
    if (this.#paused) this.#next = () => this.#upgrade();
    else this.#upgrade();
  }

  #upgrade(): void {
    this.#flush();
    const instead = this.#host.options.behave?.(this.#event('handshake', '', ''));
    if (instead) {
      this.#perform(instead, '');
      return;
    }
    this.#socket.removeAllListeners('data');
    this.#socket = this.#host.secure(this.#socket);
    this.#input = NONE;
    this.#listen();
  }

  #onMessage(content: Buffer): void {
    const { behave, replyDelayMs } = this.#host.options;
    const event = this.#event('message', this.#to[0] ?? '', '');
    const action = behave?.(event) ?? {};
    const usual = action.reply === undefined && action.pieces === undefined;
    if (action.keep ?? (usual || action.reply?.startsWith('2'))) this.#keep(content);
    this.#clear();
    this.#perform({ ...(replyDelayMs ? { delayMs: replyDelayMs } : {}), ...action }, '250 2.0.0 accepted');
  }

  #keep(content: Buffer): void {
    this.#messages++;
    const head = content.toString('latin1', 0, Math.min(content.length, HEAD));
    const messageId = /^message-id:\s*(<[^>]*>)/im.exec(head)?.[1] ?? '';
    const from = this.#from ?? '';
    for (const to of this.#to) this.#host.write({ to, from, messageId, accepted: true, at: Date.now() });
    if (this.#host.options.contents)
      this.#host.content(Buffer.from(content.toString('latin1').replace(/(^|\r\n)\./g, '$1'), 'latin1'));
  }

  #clear(): void {
    this.#from = null;
    this.#to = [];
  }

  /** Asks the script and answers; true where the answer was the usual one or as good. */
  #answer(stage: ScriptEvent['stage'], address: string, line: string, usual: string, also: Action = {}): boolean {
    const action = this.#host.options.behave?.(this.#event(stage, address, line));
    this.#perform(action ? { ...also, ...action } : also, usual);
    return this.#said.startsWith('2') || this.#said === usual;
  }

  #event(stage: ScriptEvent['stage'], address: string, line: string): ScriptEvent {
    return { stage, connection: this.#number, address, messages: this.#messages, line };
  }

  #perform(action: Action, usual: string): void {
    this.#said = action.reply ?? (action.pieces ? action.pieces.map(String).join('') : usual);
    if (action.pieces === undefined && action.delayMs === undefined && action.flood === undefined) {
      this.#output += `${this.#said}\r\n`;
      if (action.after) this.#leave(action.after);
      return;
    }
    this.#flush();
    this.#paused = true;
    void this.#performSlowly(action);
  }

  async #performSlowly(action: Action): Promise<void> {
    if (action.delayMs !== undefined) await later(action.delayMs);
    for (const [i, piece] of (action.pieces ?? [`${this.#said}\r\n`]).entries()) {
      if (i > 0) await later(3);
      if (!this.#socket.destroyed) this.#socket.write(piece);
    }
    if (action.flood) return this.#flood(action.flood);
    if (action.after) return this.#leave(action.after);
    if (action.pieces?.length === 0) return;
    this.#paused = false;
    this.#next?.();
    this.#next = null;
    // What came meanwhile; in a turn of its own, so that the caller has taken note of this command first.
    setImmediate(() => this.#read());
  }

  #flood({ text, everyMs }: NonNullable<Action['flood']>): void {
    const socket = this.#socket;
    if (everyMs !== undefined) {
      const timer = setInterval(() => socket.write(text), everyMs);
      socket.on('close', () => clearInterval(timer));
      return;
    }
    const block = text.repeat(Math.ceil(65_536 / text.length));
    const pour = (error?: Error | null) => {
      if (!error && !socket.destroyed) socket.write(block, (failed) => setImmediate(pour, failed));
    };
    pour();
  }

  #leave(how: NonNullable<Action['after']>): void {
    this.#flush();
    this.#paused = true;
    if (how === 'end') this.#socket.end();
    else if (how === 'destroy') this.#socket.destroy();
    else if (how === 'pause') this.#socket.pause();
  }

  #flush(): void {
    if (this.#output !== '' && !this.#socket.destroyed) this.#socket.write(this.#output);
    this.#output = '';
  }
}

function path(line: string): string {
  return /<(.*)>/.exec(line)?.[1] ?? '';
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
