import { openToken } from '../domain/unsubscribe.js';
import type { UnsubscribeStore, Unsubscribes } from './suppression-ports.js';

/** A secret may be another one by now, where an export was imported. */
const SECRET_GOOD_MS = 1_000;
/** Less than mail programs and proxies wait for an answer. */
const PATIENCE_MS = 5_000;
/** Who wait for Redis at most: more than that are told at once to come again. */
const MOST_WAITING = 5_000;

interface Waiting {
  readonly secret: string;
  readonly topic: string | null;
  readonly hash: Buffer;
  readonly settle: (error?: unknown) => void;
}

/**
 * Unsubscribes by token. Whoever comes while Redis takes others waits for these, and then goes with all who came meanwhile:
 * so it is asked no more often than it answers. Who is told to come again may be suppressed all the same: it is the same
 * the second time.
 */
export function createUnsubscribes(list: UnsubscribeStore): Unsubscribes {
  let secret: { readonly text: string | null; readonly at: number } | null = null;
  let asking: Promise<string | null> | null = null;
  let waiting: Waiting[] = [];
  let adding = false;
  let unanswered = 0;

  function askSecret(): Promise<string | null> {
    asking ??= list
      .secret()
      .then((text) => {
        secret = { text, at: performance.now() };
        return text;
      })
      .finally(() => {
        asking = null;
      });
    return asking;
  }

  /** The last one that is known, where Redis does not answer: a page can be shown with it. */
  async function currentSecret(): Promise<string | null> {
    if (secret && performance.now() - secret.at < SECRET_GOOD_MS) return secret.text;
    const known = secret?.text ?? null;
    return within(known === null ? PATIENCE_MS : SECRET_GOOD_MS, askSecret()).catch((error: unknown) => {
      if (known === null) throw error;
      return known;
    });
  }

  async function addAll(): Promise<void> {
    adding = true;
    // What this turn of the event loop brings goes together, too.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const taken = waiting;
      waiting = [];
      await Promise.all([...groups(taken)].map(addGroup));
    }
    adding = false;
  }

  async function addGroup(group: readonly Waiting[]): Promise<void> {
    const [{ secret: key, topic } = { secret: '', topic: null }] = group;
    const items = group.map(({ hash }) => ({ hash, why: 'unsubscribe' as const }));
    const error = await list.addHashes(key, items, topic).then(
      () => undefined,
      (thrown: unknown) => thrown ?? new Error('the suppression list took nothing'),
    );
    for (const { settle } of group) settle(error);
  }

  return {
    async open(token) {
      const now = await currentSecret();
      const found = now === null ? null : openToken(now, token);
      return found && now ? { ...found, secret: now } : null;
    },

    add({ hash, secret: key }, topic) {
      if (unanswered >= MOST_WAITING) return Promise.reject(new Error('too many wait for Redis'));
      unanswered++;
      const added = new Promise<void>((resolve, reject) => {
        const settle = (error?: unknown) => {
          unanswered--;
          if (error === undefined) resolve();
          else reject(error);
        };
        waiting.push({ secret: key, topic, hash, settle });
      });
      if (!adding) void addAll();
      return within(PATIENCE_MS, added);
    },

    isWell: () =>
      within(SECRET_GOOD_MS, askSecret()).then(
        () => true,
        () => false,
      ),
  };
}

/** Those of one topic under one secret, for a call each. */
function groups(all: readonly Waiting[]): Iterable<Waiting[]> {
  const found = new Map<string, Waiting[]>();
  for (const one of all) {
    const name = `${one.secret} ${one.topic ?? ''}`;
    const group = found.get(name);
    if (group) group.push(one);
    else found.set(name, [one]);
  }
  return found.values();
}

/** Rejects after that time; what is waited for goes on. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Redis did not answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => undefined);
  }
}
