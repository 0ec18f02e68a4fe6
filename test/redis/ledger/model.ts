import type { Redis } from 'ioredis';
import type { Campaign } from '../../../src/domain/campaign.js';
import { parseCondition } from '../../../src/domain/condition-parser.js';
import { FanmailError } from '../../../src/domain/errors.js';
import { readRecord } from '../../../src/domain/record.js';
import { VERBS, type Verb } from '../../../src/domain/verdict.js';
import type { Begun, ClaimedChunk, Settlement, Turn } from '../../../src/pipeline/ports.js';
import { openRound, planRetry, type RetryPlan } from '../../../src/pipeline/retrier.js';
import { campaignKeys, chunkKeys } from '../../../src/redis/keys.js';
import { assertBalanced, begin, campaignOf, type Staged, settle, verdict } from './fixture.js';

/** One step of a campaign's life: anybody who ever owned a chunk may speak at any time, in any order. */
export type Op =
  | { readonly do: 'claim'; readonly chunk: number }
  /** Claims, begins and stalls there, or leaves the chunk so; and a claim whose owner sends all that is open and finishes. */
  | { readonly do: 'stall' | 'leave' | 'drain'; readonly chunk: number }
  | { readonly do: 'begin'; readonly owner: number; readonly indices: readonly number[]; readonly twice: boolean }
  | { readonly do: 'settle'; readonly owner: number; readonly verbs: readonly Verb[] }
  /** Outcomes and intents in one step. */
  | {
      readonly do: 'turn';
      readonly owner: number;
      readonly verbs: readonly Verb[];
      readonly indices: readonly number[];
    }
  /** Says of these, wherever they are, that they are never to be sent to. */
  | { readonly do: 'suppress'; readonly owner: number; readonly indices: readonly number[] }
  | { readonly do: 'settle-again'; readonly owner: number }
  | { readonly do: 'finish' | 'lose' | 'crash'; readonly owner: number }
  /** Of this round, or of the one before it, by an aggregator that thaws. */
  | { readonly do: 'close' | 'mark'; readonly token: string; readonly thawed?: boolean }
  /** All chunks are sent, each recipient with one of these outcomes, and the round is closed by `a` and marked `by` somebody; cancelled first, or paused at the end. */
  | {
      readonly do: 'end';
      readonly verbs: readonly Verb[];
      readonly told: 'pause' | 'cancel' | 'nothing';
      readonly by: string;
    }
  /** A retry opens the next round, of those that were tried at all, or of everybody; and a second one with the same plan is refused. */
  | { readonly do: 'reopen'; readonly unknown: boolean; readonly skipped: boolean; readonly tried: boolean }
  | { readonly do: 'start' | 'judge' }
  /** It is before its span, in it, or behind it. */
  | { readonly do: 'hours'; readonly are: Hours }
  /** A worker says the next span, of the one that it saw; or of an older one, or in an older round. */
  | { readonly do: 'span'; readonly seen: 'now' | 'older' | 'older round'; readonly open: boolean }
  /** The whole canary is tried, where there is one; and the time of its hold is over, where it has begun. */
  | { readonly do: 'canary'; readonly verbs: readonly Verb[] }
  | { readonly do: 'hold-over' }
  | { readonly do: 'pause' | 'resume' | 'release' | 'cancel' };

type Hours = 'before' | 'open' | 'over';

const HOUR = 3_600_000;

interface Owner {
  readonly claim: ClaimedChunk;
  readonly chunk: number;
  readonly round: number;
  /** Handed to the relay and not settled. */
  readonly onWire: Set<number>;
  last: readonly Settlement[];
  crashed: boolean;
}

/** What the rules say the ledger holds, in memory, beside what really became of the messages. */
export class Model {
  readonly #staged: Staged;
  readonly #hold: boolean;
  readonly #attempts: number;
  readonly #bytes: string[][];
  readonly #used: number[][];
  readonly #left: (Owner | null)[][];
  /** Who handed it over and did not learn that the relay refused it. */
  readonly #out: Set<Owner>[][];
  /** Opened again although it may be out. */
  readonly #doubt: boolean[][];
  readonly #accepted: boolean[][];
  readonly #claims: number[];
  readonly #finished: boolean[];
  readonly #holder: (Owner | null)[];
  readonly #owners: Owner[] = [];
  #paused = false;
  #cancelling = false;
  #hours: Hours = 'open';
  #span: readonly [opensAt: number | null, closesAt: number | null] = [null, null];
  /** Its canary is out, or waited for; its hold is over and it was not judged. */
  #canary: 'out' | 'hold' | null;
  #holdOver = false;
  /** How many of each chunk, from the first on, are of the canary. */
  readonly #parts: readonly number[];
  readonly #tried: boolean[];
  #phase: 'queued' | 'sending' | 'aggregating' | 'ended';
  #round = 1;
  /** What came after the close. */
  #lateWords: { readonly owner: Owner; readonly index: number; readonly verb: Verb }[] = [];
  #aggregator = '';

  constructor(staged: Staged, phase: 'queued' | 'sending' = 'sending', parts: readonly number[] = []) {
    const table = <T>(value: T) =>
      Array.from({ length: staged.chunks }, () => Array.from({ length: staged.perChunk }, () => value));
    const list = <T>(value: T) => Array.from({ length: staged.chunks }, () => value);
    this.#staged = staged;
    this.#hold = staged.options.onUnknown === 'hold';
    this.#attempts = staged.options.attempts;
    this.#bytes = table('P');
    this.#used = table(0);
    this.#left = table<Owner | null>(null);
    this.#out = table(0).map((row) => row.map(() => new Set<Owner>()));
    this.#doubt = table(false);
    this.#accepted = table(false);
    this.#claims = list(0);
    this.#finished = list(false);
    this.#holder = list<Owner | null>(null);
    this.#phase = phase;
    this.#parts = parts;
    this.#tried = list(false).map((_, chunk) => this.#partOf(chunk) === 0);
    this.#canary = staged.options.canary ? 'out' : null;
  }

  /** Of a campaign that was just sealed, or opened again: with hours it has a span, and is in it. */
  async opened(): Promise<void> {
    const { opensAt, closesAt, openedAt, giveUpAt } = await campaignOf(this.#staged);
    const has = this.#staged.options.schedule != null;
    same('the span', [opensAt !== null, closesAt !== null], [has, has]);
    if (closesAt !== null && closesAt <= Date.now()) throw new Error('a span that is over before it has begun');
    same('the time of giving up', giveUpAt, (openedAt ?? 0) + this.#staged.options.giveUpMs);
    this.#span = [opensAt, closesAt];
    this.#hours = 'open';
  }

  /** It goes on, with nobody's help but time's and its operator's, until it has ended. */
  async end(): Promise<void> {
    if (this.#isOpen) {
      await this.#setHours('open');
      await this.#control('resume');
      await this.#start();
      for (let times = 0; times < 2; times++) {
        await this.#all(['sent']);
        if (this.#canary === null) continue;
        await this.#endHold();
        await this.#judge();
        await this.#control('resume');
      }
    }
    if (!this.#finished.every(Boolean)) throw new Error(`it never ends: ${JSON.stringify(this.#bytes)}`);
    if (this.#phase !== 'ended') await this.#close('z', false);
    if (this.#phase !== 'ended') await this.#mark('z', false);
    await this.#compare(
      this.#bytes.map((row) => row.join('')),
      false,
    );
  }

  /** Does one step in the ledger and in the model; throws where they differ or an invariant is broken. */
  async step(op: Op): Promise<void> {
    const before = this.#bytes.map((row) => row.join(''));
    await this.#apply(op);
    await this.#compare(before, op.do === 'reopen');
  }

  async #apply(op: Op): Promise<void> {
    switch (op.do) {
      case 'claim':
        return this.#claim(op.chunk);
      case 'stall':
      case 'leave':
      case 'drain': {
        const owners = this.#owners.length;
        await this.#claim(op.chunk);
        const owner = this.#owners[owners] ?? null;
        await this.#begin(owner, [0, 1, 2], false);
        if (op.do === 'stall') return;
        if (op.do === 'drain') await this.#settle(owner, ['sent', 'sent', 'sent']);
        return this.#finish(owner);
      }
      case 'begin':
        return this.#begin(this.#pick(op.owner), op.indices, op.twice);
      case 'settle':
        return this.#settle(this.#pick(op.owner), op.verbs);
      case 'turn':
        return this.#turn(this.#pick(op.owner), op.verbs, op.indices);
      case 'suppress':
        return this.#suppress(this.#pick(op.owner), op.indices);
      case 'settle-again':
        return this.#settleAgain(this.#pick(op.owner));
      case 'finish':
        return this.#finish(this.#pick(op.owner));
      case 'lose':
        return this.#lose(this.#pick(op.owner));
      case 'crash': {
        const owner = this.#pick(op.owner);
        if (owner) owner.crashed = true;
        return;
      }
      case 'close':
        return this.#close(op.token, op.thawed ?? false);
      case 'mark':
        return this.#mark(op.token, op.thawed ?? false);
      case 'end':
        return this.#end(op);
      case 'reopen':
        return this.#reopen(op);
      case 'start':
        return this.#start();
      case 'judge':
        return this.#judge();
      case 'hours':
        return this.#setHours(op.are);
      case 'span':
        return this.#saySpan(op);
      case 'canary':
        return this.#canary === null ? undefined : this.#all(op.verbs);
      case 'hold-over':
        return this.#endHold();
      default:
        return this.#control(op.do);
    }
  }

  async #start(): Promise<void> {
    const started = await this.#staged.campaigns.start(this.#staged.id, this.#round);
    const waits = this.#phase === 'queued' && this.#hours !== 'open' && !this.#cancelling;
    const word = typeof started === 'object' ? started.kind : started;
    same('start', word, waits ? 'closed' : this.#isOpen ? 'ok' : 'phase');
    if (this.#isOpen && !waits) this.#phase = 'sending';
  }

  async #judge(): Promise<void> {
    const judged = await this.#staged.campaigns.judge(await campaignOf(this.#staged));
    if (this.#phase !== 'sending') return same('judge', judged, 'phase');
    if (this.#canary !== 'hold') return same('judge', judged, 'none');
    if (!this.#holdOver) return same('judge', judged, 'held');
    const firsts = this.#bytes.flatMap((row, chunk) =>
      row.slice(0, this.#partOf(chunk)).map((byte, index) => [byte, this.#used[chunk]?.[index] ?? 0] as const),
    );
    const failed = firsts.filter(([byte, used]) => 'FU'.includes(byte) || ('PID'.includes(byte) && used > 0)).length;
    const tried = failed + firsts.filter(([byte]) => byte === 'S').length;
    const allowed = tried * (this.#staged.options.canary?.abortAbove ?? 0);
    same('judge', judged, tried === 0 ? 'nobody' : failed > allowed ? 'failed' : 'over');
    same('what was found', (await campaignOf(this.#staged)).canaryFound, { tried, failed });
    this.#canary = null;
    if (judged === 'nobody') this.#paused = true;
    if (judged === 'failed') this.#cancelling = true;
  }

  /** Who is the chunk's part of the canary was tried, or never will be; the last chunk to say so lets the hold begin. */
  #noteTried(chunk: number): void {
    if (this.#canary === null || this.#waitsForCanary(chunk)) return;
    this.#tried[chunk] = true;
    if (this.#tried.every(Boolean)) this.#canary = 'hold';
  }

  #partOf(chunk: number): number {
    return this.#parts[chunk] ?? 0;
  }

  /** Whether somebody of its part was not tried yet, or is on the wire. */
  #waitsForCanary(chunk: number): boolean {
    return (this.#bytes[chunk] ?? []).slice(0, this.#partOf(chunk)).some((byte) => 'PI'.includes(byte));
  }

  async #endHold(): Promise<void> {
    if (this.#canary !== 'hold') return;
    await this.#staged.redis.hset(campaignKeys(this.#staged.id).campaign, 'holdUntil', 1);
    this.#holdOver = true;
  }

  /** The clock is not moved: its hours are moved against it. */
  async #setHours(are: Hours): Promise<void> {
    const now = Date.now();
    const spans = { before: [now + HOUR, now + 2 * HOUR], open: [1, now + HOUR], over: [1, 2] } as const;
    const [opensAt, closesAt] = spans[are];
    this.#span = [opensAt, closesAt];
    this.#hours = are;
    const key = campaignKeys(this.#staged.id).campaign;
    await this.#staged.redis.hset(key, 'opensAt', opensAt, 'closesAt', closesAt);
  }

  async #saySpan({ seen, open }: Extract<Op, { do: 'span' }>): Promise<void> {
    const campaign = await campaignOf(this.#staged);
    const { closesAt, round } = campaign;
    const older = seen === 'older' ? { closesAt: (closesAt ?? 3) - 1 } : {};
    const thawed = seen === 'older round' ? { round: round - 1 } : {};
    const now = Date.now();
    const next = open ? { opensAt: now, closesAt: now + HOUR } : { opensAt: now + HOUR, closesAt: now + 2 * HOUR };
    await this.#staged.campaigns.span({ ...campaign, ...older, ...thawed }, next);
    if (this.#hours !== 'over' || seen !== 'now') return;
    this.#hours = open ? 'open' : 'before';
    this.#span = [next.opensAt, next.closesAt];
  }

  /** What a claim says where nobody of the chunk may be begun; null where it says nothing of that. */
  #refusedClaim(chunk: number): readonly string[] | null {
    if (this.#cancelling) return null;
    if (this.#hours !== 'open') return ['closed'];
    if (this.#canary === null || this.#waitsForCanary(chunk)) return null;
    this.#noteTried(chunk);
    if (this.#canary === 'hold' && this.#holdOver) return ['judge'];
    // Who was refused for now is due within a millisecond.
    return this.#bytes[chunk]?.includes('D') ? ['held', 'claimed'] : ['held'];
  }

  async #control(action: 'pause' | 'resume' | 'release' | 'cancel'): Promise<void> {
    const control = await this.#staged.campaigns.control(this.#staged.id, action, 'me', '');
    same(action, control.kind, this.#isOpen ? 'ok' : 'refused');
    if (!this.#isOpen) return;
    if (action === 'cancel') this.#cancelling = true;
    else this.#paused = action === 'pause';
    if (action !== 'release') return;
    [this.#hours, this.#span] = ['open', [null, null]];
    this.#canary = null;
  }

  /** Whether anything may still change by its own round. */
  get #isOpen(): boolean {
    return this.#phase === 'queued' || this.#phase === 'sending';
  }

  async #close(token: string, thawed: boolean): Promise<void> {
    const { campaigns, id, nonce } = this.#staged;
    const round = this.#roundOf(thawed);
    const done = this.#finished.every(Boolean);
    const open = done || this.#phase === 'aggregating' ? 'ok' : 'open';
    const now = this.#phase === 'ended' ? 'ended' : this.#phase === 'queued' ? 'phase' : open;
    const expected = round === this.#round ? now : 'round';
    same('close', await campaigns.close(id, nonce, round, token), expected);
    if (expected !== 'ok') return;
    this.#phase = 'aggregating';
    this.#aggregator = token;
  }

  async #mark(token: string, thawed: boolean): Promise<void> {
    const round = this.#roundOf(thawed);
    const mine = this.#aggregator === token ? 'ok' : 'fenced';
    const now = this.#phase === 'ended' ? 'ended' : this.#isOpen ? 'phase' : mine;
    const expected = round === this.#round ? now : 'round';
    const campaign = { ...(await campaignOf(this.#staged)), round };
    same('mark', await this.#staged.campaigns.mark(campaign, token, '{}'), expected);
    if (expected === 'ok') this.#phase = 'ended';
  }

  #roundOf(thawed: boolean): number {
    return thawed ? Math.max(1, this.#round - 1) : this.#round;
  }

  async #end({ verbs, told, by }: Extract<Op, { do: 'end' }>): Promise<void> {
    if (told === 'cancel') await this.#control('cancel');
    await this.#all(verbs);
    if (told === 'pause') await this.#control('pause');
    await this.#close('a', false);
    await this.#mark(by, false);
  }

  /** Each chunk is claimed, all that may be is begun and settled, and the chunk left. */
  async #all(verbs: readonly Verb[]): Promise<void> {
    for (const [chunk, row] of this.#bytes.entries()) {
      const owners = this.#owners.length;
      await this.#claim(chunk);
      const owner = this.#owners[owners] ?? null;
      const all = row.map((_byte, index) => index);
      await this.#begin(owner, all, false);
      await this.#settle(
        owner,
        all.map((index) => verbs[index % verbs.length] ?? 'sent'),
      );
      await this.#finish(owner);
    }
  }

  async #reopen({ unknown, skipped, tried }: Extract<Op, { do: 'reopen' }>): Promise<void> {
    const { campaigns, scratch, retries, id } = this.#staged;
    const ports = { campaigns, scratch, retries };
    const where = tried ? 'attempts>=1' : null;
    const plan = await planRetry(id, { unknown, skipped, where }, where && parseCondition(where), ports).catch(
      refusedAs,
    );
    if (this.#phase !== 'ended') return same('reopen', plan, 'CAMPAIGN_NOT_OPEN');
    if (typeof plan === 'string') throw new Error(`reopen: ${plan}`);
    const late = this.#heard();
    const chosen = this.#choose(late, `F${unknown ? 'U' : ''}${skipped ? 'K' : ''}`, tried);
    const figures = plan.retried.failed + plan.retried.unknown + plan.retried.skipped;
    same('retried', figures, chosen.length);
    if (chosen.length === 0) return;
    const campaign = await openRound(plan, ports);
    same(
      'the round',
      [campaign.round, campaign.phase, campaign.opening?.retried],
      [this.#round + 1, 'queued', figures],
    );
    for (const [chunk, index, byte] of late) (this.#bytes[chunk] ?? [])[index] = byte;
    for (const [chunk, index] of chosen) this.#open(chunk, index);
    same('the flags', campaign.flags, { paused: null, cancelling: false });
    this.#round++;
    this.#phase = 'queued';
    this.#lateWords = [];
    [this.#paused, this.#cancelling, this.#aggregator] = [false, false, ''];
    this.#canary = null;
    await this.opened();
    await this.#reopenAgain(plan, campaign);
  }

  /** Another retry with the same plan comes too late, and so does one that passed the first look before. */
  async #reopenAgain(plan: RetryPlan, campaign: Campaign): Promise<void> {
    const { campaigns, scratch, retries } = this.#staged;
    same('retry', await openRound(plan, { campaigns, scratch, retries }).catch(refusedAs), 'CAMPAIGN_NOT_OPEN');
    const { opening } = campaign;
    if (!opening) throw new Error('a round without its opening');
    const round = { chunks: [], lateWords: 0, counters: opening.states, opening, rounds: [], span: null };
    same('reopen, of the round before', await retries.reopen(plan.standing.campaign, 'other', round), 'round');
    same('reopen, of what is open', await retries.reopen(campaign, 'other', round), 'phase');
  }

  /** Whom late words make final otherwise. */
  #heard(): (readonly [chunk: number, index: number, byte: string])[] {
    const changes: (readonly [number, number, string])[] = [];
    const byteAt = (chunk: number, index: number) =>
      changes.findLast(([c, i]) => c === chunk && i === index)?.[2] ?? this.#bytes[chunk]?.[index] ?? '';
    for (const { owner, index, verb } of this.#lateWords) {
      const { chunk } = owner;
      const from = byteAt(chunk, index);
      const left = this.#left[chunk]?.[index] === owner && !this.#doubt[chunk]?.[index];
      if (verb === 'sent' && 'FUKX'.includes(from)) changes.push([chunk, index, 'S']);
      if (verb === 'failed' && from === 'U' && left) changes.push([chunk, index, 'F']);
    }
    return changes;
  }

  #choose(
    late: readonly (readonly [number, number, string])[],
    states: string,
    tried: boolean,
  ): (readonly [number, number])[] {
    const rows = this.#bytes.map((row) => [...row]);
    for (const [chunk, index, byte] of late) (rows[chunk] ?? [])[index] = byte;
    return rows.flatMap((row, chunk) =>
      row.flatMap((byte, index) => {
        const fits = states.includes(byte) && (!tried || (this.#used[chunk]?.[index] ?? 0) >= 1);
        return fits ? [[chunk, index] as const] : [];
      }),
    );
  }

  #open(chunk: number, index: number): void {
    if (this.#bytes[chunk]?.[index] === 'S') throw new Error(`${chunk}/${index} is sent and tried again`);
    if (this.#bytes[chunk]?.[index] === 'U') (this.#doubt[chunk] ?? [])[index] = true;
    (this.#bytes[chunk] ?? [])[index] = 'P';
    (this.#used[chunk] ?? [])[index] = 0;
    (this.#left[chunk] ?? [])[index] = null;
    this.#finished[chunk] = false;
    this.#claims[chunk] = 0;
  }

  #pick(n: number): Owner | null {
    const alive = this.#owners.filter((owner) => !owner.crashed);
    return alive[n % Math.max(1, alive.length)] ?? null;
  }

  #set(owner: Owner, index: number, byte: string): void {
    (this.#bytes[owner.chunk] ?? [])[index] = byte;
  }

  async #claim(chunk: number): Promise<void> {
    const claim = await this.#staged.ledger.claim(
      { campaign: this.#staged.id, round: this.#round, chunk },
      this.#staged.nonce,
    );
    if (this.#phase !== 'sending') return same('claim', claim, { kind: 'refused', why: 'phase' });
    if (this.#finished[chunk]) return same('claim', claim, { kind: 'finished' });
    if (this.#paused && !this.#cancelling) return same('claim', claim, { kind: 'refused', why: 'paused' });
    const refused = this.#refusedClaim(chunk);
    if (refused) same('claim', refused.includes(claim.kind) ? claim.kind : refused, claim.kind);
    if (claim.kind === 'closed') same('whether that is to be found out', claim.waitMs === 0, this.#hours === 'over');
    if (refused && claim.kind !== 'claimed') return;
    if (claim.kind !== 'claimed') throw new Error(`claim: ${JSON.stringify(claim)}`);
    const claims = (this.#claims[chunk] ?? 0) + 1;
    const lost = claims > 20;
    this.#claims[chunk] = claims;
    const row = this.#bytes[chunk] ?? [];
    row.forEach((byte, index) => {
      if (byte === 'I') {
        const used = this.#use(chunk, index, 1);
        const again = !this.#hold && used < this.#attempts && !this.#cancelling && !lost;
        row[index] = again ? 'P' : 'U';
        if (again) (this.#doubt[chunk] ?? [])[index] = true;
        (this.#left[chunk] ?? [])[index] = again ? null : (this.#holder[chunk] ?? null);
      } else if (byte === 'P' || byte === 'D') {
        row[index] = this.#ending(chunk, index, this.#cancelling ? 'K' : lost ? 'F' : byte);
      }
    });
    const owner: Owner = { claim: claim.claim, chunk, round: this.#round, onWire: new Set(), last: [], crashed: false };
    this.#holder[chunk] = owner;
    this.#owners.push(owner);
    const ends = this.#canary === null || this.#cancelling;
    same('how many may be begun', claim.claim.part, ends ? row.length : this.#partOf(chunk));
    same('the states that the claim returns', claim.claim.states.toString(), row.join(''));
  }

  /** Whoever may have got a message is never called failed, skipped or suppressed. */
  #ending(chunk: number, index: number, byte: string): string {
    return this.#doubt[chunk]?.[index] && 'FKX'.includes(byte) ? 'U' : byte;
  }

  #use(chunk: number, index: number, by: number): number {
    const used = (this.#used[chunk]?.[index] ?? 0) + by;
    (this.#used[chunk] ?? [])[index] = used;
    return used;
  }

  async #begin(owner: Owner | null, wanted: readonly number[], twice: boolean): Promise<void> {
    const indices = owner ? [...new Set(wanted)].filter((index) => !owner.onWire.has(index)) : [];
    if (!owner || indices.length === 0) return;
    const { ledger } = this.#staged;
    const begun = await begin(ledger, owner.claim, indices);
    if (twice) same('begin, repeated', await begin(ledger, owner.claim, indices), begun);
    this.#begun(owner, indices, begun);
  }

  #begun(owner: Owner, indices: readonly number[], begun: Begun): void {
    const why = this.#whyNotBegin(owner);
    if (why) {
      same('begin', begun, { kind: 'stopped', why });
      return;
    }
    const granted = indices.filter((index) => {
      const byte = this.#bytes[owner.chunk]?.[index] ?? '';
      return byte === 'I' || ('PD'.includes(byte) && (this.#canary === null || index < this.#partOf(owner.chunk)));
    });
    same('begin', begun, { kind: 'granted', indices: granted });
    owner.last = [];
    for (const index of granted) {
      // Invariant 3, of what really happened and not of what the ledger thinks.
      const asked = this.#doubt[owner.chunk]?.[index] ?? false;
      if (this.#hold && !asked && this.#mayBeOut(owner.chunk, index))
        throw new Error(`a second copy to ${owner.chunk}/${index}`);
      this.#out[owner.chunk]?.[index]?.add(owner);
      owner.onWire.add(index);
      this.#set(owner, index, 'I');
    }
  }

  #mayBeOut(chunk: number, index: number): boolean {
    return (this.#out[chunk]?.[index]?.size ?? 0) > 0 || (this.#accepted[chunk]?.[index] ?? false);
  }

  #whyNotBegin(owner: Owner): string | null {
    if (!this.#isOpen) return 'phase';
    if (owner.round !== this.#round) return 'round';
    if (this.#phase !== 'sending') return 'phase';
    if (this.#holder[owner.chunk] !== owner) return 'fenced';
    if (this.#cancelling) return 'cancelling';
    if (this.#paused) return 'paused';
    return this.#hours === 'open' ? null : 'waits';
  }

  async #settle(owner: Owner | null, verbs: readonly Verb[]): Promise<void> {
    if (owner && owner.onWire.size > 0) await this.#tell(owner, this.#answers(owner, verbs));
  }

  async #turn(owner: Owner | null, verbs: readonly Verb[], wanted: readonly number[]): Promise<void> {
    if (!owner) return;
    // What is still on the wire after these answers is not begun once more.
    const settlements = this.#answers(owner, verbs);
    const indices = wanted.filter((index) => !owner.onWire.has(index));
    const { settled, begun } = await this.#staged.ledger.turn(owner.claim, settlements, indices);
    await this.#told(owner, settlements, settled);
    this.#begun(owner, indices, begun);
  }

  /** What the relay says to the first of those on the wire. */
  #answers(owner: Owner, verbs: readonly Verb[]): Settlement[] {
    const settlements = [...owner.onWire].slice(0, verbs.length).map((index, n) => {
      return { index, verdict: verdict(verbs[n] ?? 'sent', { delayMs: 0 }) };
    });
    for (const { index, verdict: v } of settlements) {
      owner.onWire.delete(index);
      if (v.verb === 'sent') (this.#accepted[owner.chunk] ?? [])[index] = true;
      else if (v.verb !== 'unknown') this.#out[owner.chunk]?.[index]?.delete(owner);
    }
    owner.last = settlements;
    return settlements;
  }

  async #suppress(owner: Owner | null, indices: readonly number[]): Promise<void> {
    if (!owner) return;
    const settlements = indices.map((index) => ({ index, verdict: verdict('suppressed', { reason: 'suppressed' }) }));
    await this.#tell(owner, settlements);
    owner.last = settlements;
  }

  async #settleAgain(owner: Owner | null): Promise<void> {
    if (owner && owner.last.length > 0) await this.#tell(owner, owner.last);
  }

  async #tell(owner: Owner, settlements: readonly Settlement[]): Promise<void> {
    await this.#told(owner, settlements, await settle(this.#staged.ledger, owner.claim, settlements));
  }

  async #told(owner: Owner, settlements: readonly Settlement[], status: Turn['settled']): Promise<void> {
    const mine = this.#holder[owner.chunk] === owner && owner.round === this.#round;
    same('settle', status, !this.#isOpen ? 'closed' : mine ? 'ok' : 'fenced');
    if (!this.#isOpen) {
      this.#lateWords.push(...settlements.map(({ index, verdict: v }) => ({ owner, index, verb: v.verb })));
      return;
    }
    let applied = 0;
    for (const { index, verdict: v } of settlements) {
      const from = this.#bytes[owner.chunk]?.[index] ?? '';
      if (v.verb === 'suppressed') {
        if (!mine || !'PD'.includes(from)) continue;
        applied++;
        this.#set(owner, index, this.#ending(owner.chunk, index, 'X'));
        continue;
      }
      const to =
        mine && from === 'I' ? this.#after(owner, index, v.verb) : await this.#late(owner, index, from, v.verb);
      if (to === null) continue;
      applied++;
      this.#set(owner, index, to);
      (this.#left[owner.chunk] ?? [])[index] = null;
    }
    if (applied > 0 && mine) this.#claims[owner.chunk] = 0;
  }

  /** The state after an outcome of what is in flight under this owner's fence. */
  #after(owner: Owner, index: number, verb: Verb): string {
    const used = this.#use(owner.chunk, index, verb === 'untouched' || verb === 'waiting' ? 0 : 1);
    const { chunk } = owner;
    const skip = (byte: string) => (this.#cancelling ? this.#ending(chunk, index, 'K') : byte);
    switch (verb) {
      case 'sent':
        return 'S';
      case 'failed':
        return this.#ending(chunk, index, 'F');
      case 'waiting':
        return skip('D');
      case 'untouched':
        return skip('P');
      case 'deferred':
        return used >= this.#attempts ? this.#ending(chunk, index, 'F') : skip('D');
      case 'unknown':
        if (this.#hold || this.#cancelling || used >= this.#attempts) return 'U';
        (this.#doubt[chunk] ?? [])[index] = true;
        return 'D';
      case 'suppressed':
        throw new Error('what is on the wire is not suppressed');
      default:
        return verb satisfies never;
    }
  }

  async #late(owner: Owner, index: number, from: string, verb: Verb): Promise<string | null> {
    const left = this.#left[owner.chunk]?.[index] === owner && !this.#doubt[owner.chunk]?.[index];
    if (verb === 'failed') return from === 'U' && left && owner.round === this.#round ? 'F' : null;
    if (verb !== 'sent' || from === 'S') return null;
    // Skipped after a try that did arrive: whatever the ledger makes of it, it doesn't open it.
    if (from === 'K') return (await this.#read())[owner.chunk]?.bytes[index] === 'S' ? 'S' : null;
    return 'S';
  }

  async #finish(owner: Owner | null): Promise<void> {
    if (!owner) return;
    const { chunk } = owner;
    const finish = await this.#staged.ledger.finish(owner.claim);
    if (this.#phase !== 'sending') return same('finish', finish, { kind: 'refused', why: 'phase' });
    if (owner.round !== this.#round) return same('finish', finish, { kind: 'refused', why: 'round' });
    if (this.#finished[chunk]) return same('finish', finish, { kind: 'finished' });
    if (this.#holder[chunk] !== owner) return same('finish', finish, { kind: 'refused', why: 'fenced' });
    this.#noteTried(chunk);
    const open = (this.#bytes[chunk] ?? []).some((byte) => 'PID'.includes(byte));
    same('finish', finish.kind, open ? 'open' : 'finished');
    if (open) this.#claims[chunk] = 0;
    else this.#finished[chunk] = true;
  }

  async #lose(owner: Owner | null): Promise<void> {
    if (!owner) return;
    await this.#staged.ledger.lose(owner.claim, 'data-lost');
    const mine = this.#holder[owner.chunk] === owner && owner.round === this.#round;
    if (this.#phase !== 'sending' || !mine) return;
    const row = this.#bytes[owner.chunk] ?? [];
    row.forEach((byte, index) => {
      if (byte === 'P' || byte === 'D') row[index] = this.#ending(owner.chunk, index, 'F');
    });
  }

  async #read(): Promise<{ bytes: string; used: number[] }[]> {
    const { id, nonce, redis, chunks, perChunk } = this.#staged;
    return Promise.all(
      Array.from({ length: chunks }, async (_, n) => {
        const keys = chunkKeys(id, nonce, n);
        const [bytes, records] = await Promise.all([redis.get(keys.states), redis.getBuffer(keys.records)]);
        const used = Array.from({ length: perChunk }, (_u, i) => readRecord(records ?? Buffer.alloc(0), i).attempts);
        return { bytes: bytes ?? '', used };
      }),
    );
  }

  async #compare(before: readonly string[], reopened: boolean): Promise<void> {
    // At once, since this is after every step.
    const [{ flags, opensAt, closesAt, canary }, late, now] = await Promise.all([
      campaignOf(this.#staged),
      this.#staged.campaigns.late(this.#staged.id),
      this.#read(),
      assertBalanced(this.#staged),
    ]);
    same('its flags', [flags.paused !== null, flags.cancelling], [this.#paused, this.#cancelling]);
    same('its canary', canary?.kind ?? null, this.#canary);
    same('its span', [opensAt, closesAt], this.#span);
    same('late words', late.length, this.#lateWords.length);
    now.forEach(({ bytes, used }, chunk) => {
      same(`the states of chunk ${chunk}`, bytes, (this.#bytes[chunk] ?? []).join(''));
      same(`the attempts of chunk ${chunk}`, used, this.#used[chunk]);
      [...bytes].forEach((byte, index) => {
        const was = before[chunk]?.[index] ?? '';
        const final = was === byte || 'PID'.includes(was) || (was === 'U' && 'SF'.includes(byte)) || byte === 'S';
        const lawful = final || (reopened && was !== 'S');
        if (!lawful) throw new Error(`${was} became ${byte} at ${chunk}/${index}`);
        if ('FKX'.includes(byte) && this.#mayBeOut(chunk, index))
          throw new Error(`${byte} may be out: ${chunk}/${index}`);
        if (byte === 'S' && !this.#accepted[chunk]?.[index]) throw new Error(`sent without a copy: ${chunk}/${index}`);
      });
      if (this.#finished[chunk] && /[PID]/.test(bytes)) throw new Error(`chunk ${chunk} is finished with ${bytes}`);
    });
  }
}

function refusedAs(error: unknown): string {
  if (error instanceof FanmailError) return error.code;
  throw error;
}

function same(what: string, got: unknown, expected: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(expected)) {
    throw new Error(`${what}: the ledger says ${JSON.stringify(got)}, the rules ${JSON.stringify(expected)}`);
  }
}

/** Forgets a campaign, so that a thousand of them do not slow the server down. */
export async function forget(redis: Redis, staged: Staged): Promise<void> {
  const keys = Array.from({ length: staged.chunks }, (_, n) =>
    Object.values(chunkKeys(staged.id, staged.nonce, n)),
  ).flat();
  await redis.unlink(...keys, ...Object.values(campaignKeys(staged.id)));
}

/** What a relay's answers come to: of suppression it says nothing. */
export const ALL_VERBS = (Object.keys(VERBS) as Verb[]).filter((verb) => verb !== 'suppressed');
