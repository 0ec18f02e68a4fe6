interface Aside {
  readonly party: string;
  readonly leave: () => void;
}

/**
 * Chunks that wait for their pace and nothing else. While they do, as many others are sent in their place. Where too many
 * wait, one of the party that has most has to leave for one of a party that has clearly fewer, so that no campaign keeps all
 * others from their turn.
 */
export class Places {
  readonly #aside: Aside[] = [];
  readonly #most: number;
  readonly #changed: (count: number) => void;

  constructor(most: number, changed: (count: number) => void) {
    this.#most = most;
    this.#changed = changed;
  }

  /** See ChunkSignals. */
  take(party: string, leave: () => void): (() => void) | null {
    if (this.#aside.length >= this.#most && !this.#makeRoom(party)) return null;
    const aside: Aside = { party, leave };
    this.#aside.push(aside);
    this.#changed(this.#aside.length);
    return () => this.#delete(aside);
  }

  #makeRoom(party: string): boolean {
    const counts = new Map<string, number>();
    for (const aside of this.#aside) counts.set(aside.party, (counts.get(aside.party) ?? 0) + 1);
    const [richest, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
    if (most < (counts.get(party) ?? 0) + 2) return false;
    const oldest = this.#aside.find((aside) => aside.party === richest);
    if (!oldest) return false;
    this.#delete(oldest);
    oldest.leave();
    return true;
  }

  #delete(aside: Aside): void {
    const at = this.#aside.indexOf(aside);
    if (at < 0) return;
    this.#aside.splice(at, 1);
    this.#changed(this.#aside.length);
  }
}
