import { Resolver } from 'node:dns/promises';

/** All lookups of a check together. */
const LONGEST_MS = 2_000;
/** One try at one server. */
const TRY_MS = 700;
const TRIES = 3;
/** What is kept of an answer, which anybody may have written. */
const MOST_RECORDS = 50;
const LONGEST_TEXT = 4_096;

/** `none`: there is no such record, or no such name at all. `failed`: nobody answered, or said that they can't. */
export type Answer<T> =
  | { readonly kind: 'records'; readonly records: readonly T[] }
  | { readonly kind: 'none'; readonly nameExists: boolean }
  | { readonly kind: 'failed'; readonly code: string };

export interface Exchange {
  /** Empty for `.`, which says that there is none (RFC 7505). */
  readonly host: string;
}

/** Asks the DNS, each question once, and all of them within two seconds. Nothing here throws. */
export class Lookups {
  readonly #resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
  readonly #timer: NodeJS.Timeout;
  readonly #asked = new Map<string, Promise<Answer<unknown>>>();
  readonly #failed = new Map<string, string>();
  #answered = false;
  #over = false;

  /** `server`: an IP address, with a port where it isn't 53; null: the system's. */
  constructor(server: string | null) {
    if (server !== null) this.#resolver.setServers([server]);
    this.#timer = setTimeout(() => this.close(), LONGEST_MS);
  }

  /** The strings of a record put together (RFC 7208 3.3, RFC 6376 3.6.2.2). */
  txt(name: string): Promise<Answer<string>> {
    return this.#ask(`TXT ${name}`, name, async () =>
      (await this.#resolver.resolveTxt(name)).map((strings) => strings.join('').slice(0, LONGEST_TEXT)),
    );
  }

  mx(name: string): Promise<Answer<Exchange>> {
    return this.#ask(`MX ${name}`, name, async () =>
      (await this.#resolver.resolveMx(name)).map(({ exchange }) => ({ host: exchange })),
    );
  }

  /** Addresses of one version of IP. */
  addresses(name: string, version: 4 | 6): Promise<Answer<string>> {
    return this.#ask(`IPv${version} ${name}`, name, () =>
      version === 4 ? this.#resolver.resolve4(name) : this.#resolver.resolve6(name),
    );
  }

  nameServers(name: string): Promise<Answer<string>> {
    return this.#ask(`NS ${name}`, name, () => this.#resolver.resolveNs(name));
  }

  /** Whether any question was answered, be it with no. */
  get reachable(): boolean {
    return this.#answered;
  }

  /** The names about which there was no answer, each with the code of what happened. */
  get failures(): ReadonlyMap<string, string> {
    return this.#failed;
  }

  /** What is open fails. */
  close(): void {
    clearTimeout(this.#timer);
    this.#over = true;
    this.#resolver.cancel();
  }

  #ask<T>(question: string, name: string, act: () => Promise<T[]>): Promise<Answer<T>> {
    const known = this.#asked.get(question) as Promise<Answer<T>> | undefined;
    if (known) return known;
    const answer = this.#answer(name, act);
    this.#asked.set(question, answer);
    return answer;
  }

  async #answer<T>(name: string, act: () => Promise<T[]>): Promise<Answer<T>> {
    try {
      if (this.#over) return this.#failure(name, 'ETIMEOUT');
      const records = (await act()).slice(0, MOST_RECORDS);
      this.#answered = true;
      return records.length > 0 ? { kind: 'records', records } : { kind: 'none', nameExists: true };
    } catch (error) {
      const { code = 'no answer' } = error as NodeJS.ErrnoException;
      if (code !== 'ENODATA' && code !== 'ENOTFOUND')
        return this.#failure(name, code === 'ECANCELLED' ? 'ETIMEOUT' : code);
      this.#answered = true;
      return { kind: 'none', nameExists: code === 'ENODATA' };
    }
  }

  #failure(name: string, code: string): Answer<never> {
    this.#failed.set(name, code);
    return { kind: 'failed', code };
  }
}

/** The records; none, too, where nobody answered. */
export function recordsOf<T>(answer: Answer<T>): readonly T[] {
  return answer.kind === 'records' ? answer.records : [];
}
