import type { Asker } from '../pipeline/relay-ports.js';

type Party = Asker['party'];

/** Which connections are lent, and to which party. */
export class Lent {
  readonly #parties = new Map<object, Party>();
  readonly #counts = new Map<Party, number>();

  /** How many a party holds. */
  to(party: Party): number {
    return this.#counts.get(party) ?? 0;
  }

  partyOf(connection: object): Party | undefined {
    return this.#parties.get(connection);
  }

  add(connection: object, party: Party): void {
    this.#parties.set(connection, party);
    this.#counts.set(party, this.to(party) + 1);
  }

  /** It came back, or is no more; nothing where it was not lent. */
  delete(connection: object): void {
    const party = this.#parties.get(connection);
    if (party === undefined) return;
    this.#parties.delete(connection);
    const left = this.to(party) - 1;
    if (left > 0) this.#counts.set(party, left);
    else this.#counts.delete(party);
  }
}
