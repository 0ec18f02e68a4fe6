import type { Campaign } from '../domain/campaign.js';
import { codeOf, type Outcome } from '../domain/outcome.js';
import type { Recipient } from '../domain/recipient.js';
import { judge, type Verdict } from '../domain/verdict.js';
import type { ChunkWorkerPorts } from './chunk-ports.js';
import type { Open } from './open.js';
import type { Pacer } from './pacer.js';
import type { ClaimedChunk } from './ports.js';

/** Connections lost in a row, without any reply in between, that speak of the relay and not of the messages. */
const DROPS_IN_A_ROW = 25;

export interface ConclusionsOptions {
  readonly chunk: ClaimedChunk;
  readonly campaign: Campaign;
  readonly recipients: readonly Recipient[];
  readonly pacer: Pacer;
  /** The relay that the ledger counts under; 0 for the only one. */
  readonly route: number;
  readonly ports: ChunkWorkerPorts;
  /** Told once, when the relay has answered something. */
  readonly heard: () => void;
  /** Told of a recipient that may be begun again. */
  readonly again: (open: Open) => void;
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
    if (reply && !this.answered) {
      this.answered = true;
      this.#options.heard();
    }
    const history = { attempts: open.attempts, droppedBefore: open.dropped };
    const verdict = judge(outcome, this.#options.campaign.options, history, Math.random());
    if (reply) this.#tellPace(open, verdict);
    if (outcome.kind === 'refused' && verdict.replyClass === 'misconfigured') {
      this.pending++;
      void this.pause(`${codeOf(outcome.reply)} ${outcome.reply.text}`).then(() => {
        this.pending--;
        this.record(open, verdict);
      });
      return;
    }
    if (verdict.replyClass === 'dead') this.#dead(open);
    this.record(open, verdict);
  }

  #dead({ index }: Open): void {
    const { recipients, campaign, ports } = this.#options;
    const address = recipients[index]?.address;
    if (address !== undefined && campaign.options.onDead === 'suppress') ports.suppression.dead(address);
  }

  /** What the relay took, and what it throttled, says how fast it may be asked. */
  #tellPace({ index }: Open, { verb, replyClass }: Verdict): void {
    const address = this.#options.recipients[index]?.address;
    if (address === undefined || (verb !== 'sent' && replyClass !== 'throttle')) return;
    this.#options.pacer.answered(address, replyClass === 'throttle');
  }

  record(open: Open, verdict: Verdict): void {
    const { chunk, route, ports, again, recorded } = this.#options;
    this.pending++;
    ports.recorder.settle(chunk, { index: open.index, verdict, route }, (ours) => {
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
