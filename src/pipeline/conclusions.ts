import type { Campaign } from '../domain/campaign.js';
import { codeOf, type Outcome } from '../domain/outcome.js';
import { isSenderMisconfigured, judge, type Verdict } from '../domain/verdict.js';
import type { ChunkWorkerPorts } from './chunk-ports.js';
import type { Open } from './open.js';
import type { ClaimedChunk } from './ports.js';
import { isDead } from './suppression-watch.js';

/** Connections lost in a row, without any reply in between, that speak of the relay and not of the messages. */
const DROPS_IN_A_ROW = 25;

export interface ConclusionsOptions {
  readonly chunk: ClaimedChunk;
  readonly campaign: Campaign;
  readonly ports: ChunkWorkerPorts;
  /** Told of a recipient that may be begun again. */
  readonly again: (open: Open) => void;
  /** Told of a recipient of whom the relay says that there is none. */
  readonly dead: (open: Open) => void;
  /** Told whenever an outcome was recorded. */
  readonly recorded: () => void;
}

/** Draws from the relay's answers what the ledger is to record, and what they say of the relay. */
export class Conclusions {
  /** The relay answered something. */
  answered = false;
  /** The chunk has another owner. */
  fenced = false;
  /** Outcomes that the ledger does not have yet. */
  pending = 0;
  readonly #options: ConclusionsOptions;
  #dropsInARow = 0;

  constructor(options: ConclusionsOptions) {
    this.#options = options;
  }

  /** The relay loses one connection after the other. */
  get dropping(): boolean {
    return this.#dropsInARow >= DROPS_IN_A_ROW;
  }

  /** Nothing more should be begun. */
  get over(): boolean {
    return this.fenced || this.dropping;
  }

  conclude(open: Open, outcome: Outcome): void {
    const reply = outcome.kind === 'sent' || outcome.kind === 'refused';
    this.#dropsInARow = reply ? 0 : this.#dropsInARow + 1;
    this.answered ||= reply;
    const history = { attempts: open.attempts, droppedBefore: open.dropped };
    const verdict = judge(outcome, this.#options.campaign.options, history, Math.random());
    if (outcome.kind === 'refused' && isSenderMisconfigured(outcome.reply)) {
      const back: Verdict = { ...verdict, verb: 'untouched', reason: 'none', delayMs: 0 };
      this.pending++;
      void this.pause(`${codeOf(outcome.reply)} ${outcome.reply.text}`).then(() => {
        this.pending--;
        this.record(open, back);
      });
      return;
    }
    if (verdict.verb === 'failed' && outcome.kind === 'refused' && isDead(outcome.reply)) this.#options.dead(open);
    this.record(open, verdict);
  }

  record(open: Open, verdict: Verdict): void {
    const { chunk, ports, again, recorded } = this.#options;
    this.pending++;
    ports.recorder.settle(chunk, { index: open.index, verdict }, (ours) => {
      this.pending--;
      this.fenced ||= !ours;
      // Only now: a recipient is begun again when the ledger has noted how the last attempt ended.
      if (verdict.verb === 'untouched') again({ ...open, dropped: open.dropped || verdict.reason === 'dropped' });
      recorded();
    });
  }

  /** Nobody is burned for what the operator has to mend. Where Redis refuses it, the next refusal asks again. */
  async pause(why: string): Promise<void> {
    const { campaign, ports } = this.#options;
    await ports.campaigns.control(campaign.id, 'pause', 'relay', why).catch((error: unknown) => {
      ports.log.error({ err: error, campaign: campaign.id }, 'the campaign could not be paused');
    });
  }
}
