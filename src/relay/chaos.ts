/** What MailHog's chaos monkey can be told, by its own names. */
const CHANCES = [
  'AcceptChance',
  'DisconnectChance',
  'RejectSenderChance',
  'RejectRecipientChance',
  'RejectAuthChance',
] as const;
type Chance = (typeof CHANCES)[number];
export type Chances = Readonly<Record<Chance, number>>;

/** MailHog's own, where it is woken without being told any. */
const GENTLE: Chances = {
  AcceptChance: 0.99,
  DisconnectChance: 0.005,
  RejectSenderChance: 0.05,
  RejectRecipientChance: 0.05,
  RejectAuthChance: 0.05,
};

/**
 * A mail server's bad days, as MailHog's "Jim" makes them: each chance is from 0 (never) to 1 (always). Asleep until woken.
 * MailHog's link speeds are taken and left alone.
 */
export class Monkey {
  #chances: Chances | null = null;

  /** Null while it sleeps. */
  get chances(): Chances | null {
    return this.#chances;
  }

  wake(chances: Chances = GENTLE): void {
    this.#chances = chances;
  }

  sleep(): void {
    this.#chances = null;
  }

  /** Whether a connection may come in. */
  accepts(): boolean {
    return this.#chances === null || this.strikes('AcceptChance');
  }

  strikes(chance: Chance): boolean {
    return this.#chances !== null && Math.random() < this.#chances[chance];
  }
}

/** The chances in a JSON object; what it doesn't name is 0, as with MailHog. Null where it is none, or one is no chance. */
export function parseChances(text: string): Chances | null {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return null;
  const named = new Map<string, unknown>(Object.entries(given));
  const chances = CHANCES.map((name) => [name, named.get(name) ?? 0] as const);
  if (chances.some(([, value]) => typeof value !== 'number' || value < 0 || value > 1)) return null;
  return Object.fromEntries(chances) as Chances;
}
