import { createHash } from 'node:crypto';
import type { Fault, Rule, Scenario, Stage } from './scenario.js';

/** What the relay does at a stage, where it isn't the usual. */
export type Act =
  | { readonly kind: 'reply'; readonly fault: Fault; readonly reply: string }
  | {
      readonly kind: 'drop';
      readonly fault: 'drop' /** Whether the message counts as taken. */;
      readonly kept: boolean;
    };

/**
 * A scenario at work: which recipients a rule is about is a matter of seed, rule and address alone, so that the same list
 * has the same day again; how often it struck each of them is counted here.
 */
export class Day {
  readonly #rules: readonly Rule[];
  readonly #seed: number;
  /** How often each rule struck whom. */
  readonly #struck: readonly Map<string, number>[];

  constructor(scenario: Scenario, seed: number) {
    this.#rules = scenario.rules;
    this.#seed = seed;
    this.#struck = scenario.rules.map(() => new Map());
  }

  /** What befalls a recipient at a stage: the first rule for it that is not used up. Null: the usual answer. */
  act(stage: Stage, address: string): Act | null {
    for (const [number, rule] of this.#rules.entries()) {
      if (rule.fault === 'slow' || rule.at !== stage || !this.#isAbout(rule, number, address)) continue;
      if (rule.fault === 'refuse') return { kind: 'reply', fault: rule.fault, reply: rule.reply };
      if (!this.#strike(number, rule.times, address)) continue;
      if (rule.fault !== 'drop') return { kind: 'reply', fault: rule.fault, reply: rule.reply };
      const kept = stage === 'message' && this.#lot(number, address, 'kept') * 100 < rule.keptPercent;
      return { kind: 'drop', fault: 'drop', kept };
    }
    return null;
  }

  /** Milliseconds that the answer to a message takes. */
  delayMs(address: string): number {
    let sum = 0;
    for (const [number, rule] of this.#rules.entries()) {
      if (rule.fault === 'slow' && this.#isAbout(rule, number, address)) sum += rule.delayMs;
    }
    return sum;
  }

  #isAbout({ domains, percent }: Rule, number: number, address: string): boolean {
    if (domains && !domains.some((domain) => isIn(address, domain))) return false;
    return percent === undefined || percent >= 100 || this.#lot(number, address, 'whom') * 100 < percent;
  }

  #strike(number: number, times: number, address: string): boolean {
    const struck = this.#struck[number];
    const before = struck?.get(address) ?? 0;
    if (before >= times) return false;
    struck?.set(address, before + 1);
    return true;
  }

  /** From 0 to 1, the same for the same seed, rule and address, whatever its case. */
  #lot(rule: number, address: string, what: string): number {
    const text = `${this.#seed}\0${rule}\0${what}\0${address.toLowerCase()}`;
    return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
  }
}

function isIn(address: string, pattern: string): boolean {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  return pattern.startsWith('*.') ? domain.endsWith(pattern.slice(1)) : domain === pattern;
}
