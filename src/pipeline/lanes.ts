import type { Conclusions } from './conclusions.js';
import type { Line } from './line.js';
import type { Messages, Ready } from './messages.js';
import type { Open } from './open.js';
import type { ClaimedChunk } from './ports.js';
import type { Intent, Recorder } from './recorder.js';
import type { Offered, RelayConnection } from './relay-ports.js';

/** An intent that was confirmed so late may belong to somebody else by now: less than the queue's lock. */
const STALE_INTENT_MS = 10_000;

const NOTHING = { reply: null, replyClass: null, latencyMs: null, delayMs: 0 } as const;
const UNTOUCHED = { verb: 'untouched', reason: 'none', ...NOTHING } as const;
const UNCOMPOSED = { verb: 'failed', reason: 'render', ...NOTHING } as const;

/** Behind a message that is not answered for so long nobody waits where other connections could be had. */
const PATIENCE_MS = 5_000;

/** A recipient on its way to the relay. */
interface Mail {
  readonly open: Open;
  readonly offered: Offered;
  readonly signed: Promise<void> | undefined;
  /** Where it waits behind another one: since when (performance.now). */
  readonly behindSince: number;
}

/** Why a message could not be signed. */
interface Fault {
  readonly error: unknown;
}

/** A connection that sends this chunk. */
interface Lane {
  readonly connection: RelayConnection;
  /** An intent of its own is being recorded. */
  begins: boolean;
  /** Composed meanwhile, and not offered yet. */
  ready: Ready | null;
  /** Waits behind an unanswered message; not begun, so that it can still be taken back. */
  behind: Mail | null;
  /** That message is another chunk's: the lane has nothing else to do. */
  follows: boolean;
}

export interface LanesOptions {
  readonly chunk: ClaimedChunk;
  readonly messages: Messages;
  readonly recorder: Pick<Recorder, 'begin'>;
  readonly conclusions: Conclusions;
  /** Who is open and due. */
  readonly line: Line;
  /** False: begin nothing more. */
  readonly goesOn: () => boolean;
  /** The ledger did not grant an intent. */
  readonly refused: (intent: Intent) => void;
  /** A lane ended by a mistake of ours. */
  readonly broken: (error: unknown) => void;
  /** Told whenever a lane has ended, or somebody waits again. */
  readonly changed: () => void;
}

/**
 * The connections that send a chunk, each a lane. While a recipient's intent is being recorded, the next one is composed, so that
 * nothing but writing is left to do when the ledger answers: only then the content goes, with the next one's envelope behind
 * it: of this chunk, or of the campaign's next one.
 */
export class Lanes {
  /** Recipients that are failed without a lane, until that is recorded. */
  #failing = 0;
  readonly #options: LanesOptions;
  readonly #lanes = new Set<Lane>();
  /** For which something is to be composed, when the intents of this turn have left. */
  #idle: Lane[] = [];
  readonly #clock = setInterval(() => this.#takeBack(), PATIENCE_MS / 5).unref();

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Lanes that are open, and recipients that are failed without one. */
  get count(): number {
    return this.#lanes.size + this.#failing;
  }

  close(): void {
    clearInterval(this.#clock);
  }

  open(connection: RelayConnection): void {
    const lane: Lane = { connection, begins: false, ready: null, behind: null, follows: false };
    this.#lanes.add(lane);
    void this.#run(lane, this.#first(connection));
  }

  /** Takes a connection on which another chunk's message is under way: nothing is begun on it before `until`. */
  follow(connection: RelayConnection, until: Promise<unknown>): void {
    const mail = this.#first(connection);
    if (mail === null) return;
    const lane: Lane = { connection, begins: false, ready: null, behind: mail, follows: true };
    this.#lanes.add(lane);
    void until.then(() => {
      // Else it was taken back.
      if (lane.behind === null) return;
      lane.behind = null;
      lane.follows = false;
      void this.#run(lane, mail);
    });
  }

  /** What a connection begins with; null where it is given back. */
  #first(connection: RelayConnection): Mail | null {
    try {
      const mail = this.#offer(connection, this.#prepare());
      if (mail === null) connection.release();
      return mail;
    } catch (error) {
      this.#options.broken(error);
      return null;
    }
  }

  /** Carries one mail after the other through; all in one function, since each that is waited for costs promises for every message. */
  async #run(lane: Lane, first: Mail | null): Promise<void> {
    const { chunk, recorder, conclusions, line } = this.#options;
    const { connection } = lane;
    try {
      for (let mail = first; mail !== null && this.#mayBegin(mail); ) {
        const { open, offered, signed } = mail;
        const asked = performance.now();
        const intent = recorder.begin(chunk, open.index);
        this.#prepareMeanwhile(lane);
        const fault = signed ? await faultOf(signed) : null;
        const granted = this.#granted(open, await intent, asked, fault);
        lane.begins = false;
        if (!granted) {
          offered.withdraw();
          line.over(open);
          break;
        }
        lane.behind = this.#next(lane);
        if (lane.behind === null) connection.passOn(offered.outcome);
        offered.deliver();
        const outcome = await offered.outcome;
        line.over(open);
        conclusions.conclude(open, outcome);
        mail = lane.behind;
        lane.behind = null;
      }
    } catch (error) {
      this.#options.broken(error);
    }
    this.#putBack(lane);
    this.#ended(lane);
  }

  #mayBegin({ open, offered }: Mail): boolean {
    const { goesOn, line } = this.#options;
    if (!offered.lost && goesOn()) return true;
    const { lost } = offered;
    offered.withdraw();
    // Lost with the connection under the one before it, and no intent of its own: as if it had not been tried.
    if (lost) line.back(open);
    else line.over(open);
    return false;
  }

  /**
   * Who waits behind a message that hangs goes elsewhere, when there is nobody else to begin at the end of a chunk; and
   * whoever waits behind another chunk's message where this one is to be left.
   */
  #takeBack(): void {
    const { line, goesOn, changed } = this.#options;
    const leaves = !goesOn();
    if (!leaves && line.available > 0) return;
    const late = performance.now() - PATIENCE_MS;
    for (const lane of this.#lanes) {
      const mail = lane.behind;
      if (mail === null || (leaves ? !lane.follows : mail.behindSince > late)) continue;
      lane.behind = null;
      mail.offered.withdraw();
      line.back(mail.open);
      if (lane.follows) this.#ended(lane);
    }
    if (line.length > 0) changed();
  }

  /** Offers what comes next on a lane; null where nothing is to be begun here any more. */
  #next(lane: Lane): Mail | null {
    const { connection } = lane;
    if (this.#options.goesOn() && connection.mayKeep()) {
      const ready = lane.ready ?? this.#prepare();
      lane.ready = null;
      return this.#offer(connection, ready);
    }
    this.#putBack(lane);
    return null;
  }

  #offer(connection: RelayConnection, ready: Ready | null): Mail | null {
    if (ready === null) return null;
    const { open, message } = ready;
    return { open, offered: connection.offer(message), signed: message.signed, behindSince: performance.now() };
  }

  #putBack(lane: Lane): void {
    if (lane.ready) this.#options.messages.putBack(lane.ready);
    lane.ready = null;
  }

  #prepareMeanwhile(lane: Lane): void {
    lane.begins = true;
    // After the recorder's own, which sends this turn's intents.
    if (this.#idle.length === 0) setImmediate(() => this.#prepareAll());
    this.#idle.push(lane);
  }

  #prepareAll(): void {
    const lanes = this.#idle;
    this.#idle = [];
    try {
      for (const lane of lanes) if (lane.begins && lane.ready === null) lane.ready = this.#prepare();
    } catch (error) {
      this.#options.broken(error);
    }
  }

  #prepare(): Ready | null {
    return this.#options.messages.next(this.#failed);
  }

  /** For whom nothing can be composed. */
  readonly #failed = (open: Open): void => {
    const { chunk, recorder, conclusions, broken, changed } = this.#options;
    this.#failing++;
    const asked = performance.now();
    void recorder
      .begin(chunk, open.index)
      .then((intent) => this.#granted(open, intent, asked, null) && conclusions.record(open, UNCOMPOSED))
      .catch(broken)
      .finally(() => {
        this.#failing--;
        changed();
      });
  };

  #ended(lane: Lane): void {
    this.#lanes.delete(lane);
    this.#options.changed();
  }

  /**
   * Whether the intent is in the ledger, and fresh, and the message signed, if it was to be: now, and only now, the content may go.
   * What can't be signed is not sent, and no fault of its recipient; and an intent may grow stale while a message is being signed.
   */
  #granted(open: Open, intent: Intent, asked: number, fault: Fault | null): boolean {
    const { refused, conclusions, broken } = this.#options;
    if (intent.kind !== 'granted') {
      refused(intent);
      return false;
    }
    if (fault === null && performance.now() - asked <= STALE_INTENT_MS) return true;
    conclusions.record(open, UNTOUCHED);
    if (fault !== null) broken(fault.error);
    return false;
  }
}

function faultOf(signed: Promise<void>): Promise<Fault | null> {
  return signed.then(
    () => null,
    (error: unknown) => ({ error }),
  );
}
