/** Ctrl-C, a supervisor's or init's wish, a closed terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** npm hands a signal on that the terminal already sent to everybody: what comes this soon is the same wish again. */
const SAME_WISH_MS = 250;

export type Wish = (typeof SIGNALS)[number] | 'disconnect';

export interface Signals {
  /** Aborts at the first signal, or when the process that forked this one is gone: take no new work, drain. */
  readonly quiet: AbortSignal;
  /** Aborts at the second signal: stop at once. */
  readonly stop: AbortSignal;
  /** What came first, or null. */
  received(): Wish | null;
  /** Listens no more; the signals end the process again as usual. */
  dispose(): void;
}

/** Turns the signals of this process into two AbortSignals. One listener a process. */
export function listenForSignals(): Signals {
  const quiet = new AbortController();
  const stop = new AbortController();
  let first: Wish | null = null;
  let lastAt = 0;
  const take = (wish: Wish) => {
    const now = performance.now();
    if (first === null) {
      first = wish;
      quiet.abort(wish);
    } else if (now - lastAt > SAME_WISH_MS) {
      stop.abort(wish);
    }
    lastAt = now;
  };
  const onDisconnect = () => take('disconnect');
  for (const signal of SIGNALS) process.on(signal, take);
  if (process.connected) {
    process.once('disconnect', onDisconnect);
    // The listener must not keep a child alive whose work is done.
    process.channel?.unref();
  }
  return {
    quiet: quiet.signal,
    stop: stop.signal,
    received: () => first,
    dispose() {
      for (const signal of SIGNALS) process.off(signal, take);
      process.off('disconnect', onDisconnect);
    },
  };
}

/** Resolves when it aborts, or at once where it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
