import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Act, Day } from './day.js';
import { MessageReader } from './message-reader.js';
import type { RecordLine } from './record.js';
import type { Fault, Stage } from './scenario.js';

/** What a session needs of its relay. */
export interface SessionHost {
  readonly day: Day;
  /** Writes down what became of a try; returns when it is written. */
  record(line: Omit<RecordLine, 'at'>): void;
}

const LONGEST_LINE = 8_192;
const LARGEST = 50 * 1024 * 1024;
const EXTENSIONS = ['PIPELINING', `SIZE ${LARGEST}`, '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'];
const NONE = Buffer.alloc(0);

/**
 * One connection to the rehearsal's relay: RFC 5321 with pipelining, one recipient a message, and at each stage what the
 * day has in store. Written apart from the sender's side of the dialogue, whose work it is a witness of.
 */
export class Session {
  readonly #socket: Socket;
  readonly #host: SessionHost;
  #input: Buffer = NONE;
  #output = '';
  #inMail = false;
  #to: string | null = null;
  #message: MessageReader | null = null;
  /** An answer is kept back; what comes meanwhile waits. */
  #waiting = false;

  constructor(socket: Socket, host: SessionHost) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.on('data', (piece: Buffer) => {
      this.#input = this.#input.length === 0 ? piece : Buffer.concat([this.#input, piece]);
      this.#read();
    });
    this.#say('220 rehearsal.localhost ESMTP');
    this.#flush();
  }

  #read(): void {
    let more = true;
    while (more && !this.#waiting && !this.#socket.destroyed && !this.#socket.writableEnded) {
      more = this.#message === null ? this.#readCommand() : this.#readMessage(this.#message);
    }
    this.#flush();
  }

  #readCommand(): boolean {
    const end = this.#input.indexOf(10);
    if (end > LONGEST_LINE || (end < 0 && this.#input.length > LONGEST_LINE)) {
      this.#end('500 5.5.2 line too long');
      return false;
    }
    if (end < 0) return false;
    const line = this.#input.toString('utf8', 0, end).replace(/\r$/, '');
    this.#input = this.#input.subarray(end + 1);
    this.#onCommand(line);
    return true;
  }

  #readMessage(message: MessageReader): boolean {
    const rest = message.push(this.#input);
    this.#input = rest ?? NONE;
    if (rest === null) return false;
    this.#message = null;
    void this.#onMessage(message);
    return true;
  }

  #onCommand(line: string) {
    const verb = /^[a-z]+/i.exec(line)?.[0].toUpperCase();
    switch (verb) {
      case 'EHLO':
        this.#clear();
        return this.#say(['250-rehearsal.localhost', ...EXTENSIONS.map((name, i) => extension(name, i))].join('\r\n'));
      case 'HELO':
        this.#clear();
        return this.#say('250 rehearsal.localhost');
      case 'MAIL':
        return this.#onMail();
      case 'RCPT':
        return this.#onRecipient(line);
      case 'DATA':
        return this.#onData();
      case 'RSET':
        this.#clear();
        return this.#say('250 2.0.0 reset');
      case 'NOOP':
        return this.#say('250 2.0.0 ok');
      case 'QUIT':
        return this.#end('221 2.0.0 bye');
      default:
        return this.#say('502 5.5.1 command not known');
    }
  }

  #onMail() {
    if (this.#inMail) return this.#say('503 5.5.1 one message at a time');
    this.#inMail = true;
    this.#say('250 2.1.0 sender ok');
  }

  #onRecipient(line: string) {
    const to = /^RCPT TO:\s*<(.+)>(?: .*)?$/i.exec(line)?.[1];
    if (!this.#inMail) return this.#say('503 5.5.1 MAIL first');
    if (to === undefined) return this.#say('501 5.5.4 no address');
    if (this.#to !== null) return this.#say('452 4.5.3 one recipient at a time');
    const act = this.#host.day.act('recipient', to);
    if (act) return this.#perform(act, 'recipient', to);
    this.#to = to;
    this.#say('250 2.1.5 recipient ok');
  }

  #onData() {
    if (this.#to === null) return this.#say('554 5.5.1 no valid recipient');
    const act = this.#host.day.act('data', this.#to);
    if (act) return this.#perform(act, 'data', this.#to);
    this.#message = new MessageReader();
    this.#say('354 go on, end with a dot');
  }

  /** What was taken is in the record before anything is answered, however long the answer takes. */
  async #onMessage(message: MessageReader) {
    const to = this.#to ?? '';
    this.#clear();
    if (message.size > LARGEST) return this.#end('552 5.3.4 the message is too large');
    const delayMs = this.#host.day.delayMs(to);
    const act = this.#host.day.act('message', to);
    const taken = act === null || (act.kind === 'drop' && act.kept);
    const messageId = taken ? message.messageId() : null;
    const reply = act === null ? '250 2.0.0 accepted' : act.kind === 'reply' ? act.reply : null;
    const did = act === null ? 'accepted' : act.kind === 'reply' ? 'refused' : 'dropped';
    const fault: Fault | null = act?.fault ?? (delayMs > 0 ? 'slow' : null);
    this.#host.record({ to, did, stage: 'message', reply, messageId, fault, delayMs });
    if (delayMs > 0) await this.#holdBack(delayMs);
    this.#answer(reply);
    if (delayMs > 0) this.#read();
  }

  async #holdBack(ms: number): Promise<void> {
    this.#waiting = true;
    this.#flush();
    await wait(ms, undefined, { ref: false });
    this.#waiting = false;
  }

  #perform(act: Act, stage: Stage, to: string): void {
    const reply = act.kind === 'reply' ? act.reply : null;
    const did = act.kind === 'reply' ? 'refused' : 'dropped';
    this.#host.record({ to, did, stage, reply, messageId: null, fault: act.fault, delayMs: 0 });
    this.#answer(reply);
  }

  /** 421 ends the session (RFC 5321 3.8); no answer breaks it, and keeps back nothing that was answered before. */
  #answer(reply: string | null): void {
    if (reply === null) {
      this.#flush();
      this.#socket.destroy();
    } else if (reply.startsWith('421')) this.#end(reply);
    else this.#say(reply);
  }

  #clear(): void {
    this.#inMail = false;
    this.#to = null;
  }

  #say(reply: string): void {
    this.#output += `${reply}\r\n`;
  }

  #end(reply: string): void {
    this.#say(reply);
    this.#flush();
    this.#socket.end();
  }

  #flush(): void {
    if (this.#output !== '' && this.#socket.writable) this.#socket.write(this.#output);
    this.#output = '';
  }
}

function extension(name: string, index: number): string {
  return `250${index === EXTENSIONS.length - 1 ? ' ' : '-'}${name}`;
}
