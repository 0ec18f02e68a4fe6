/** What has to be undone when a run ends, in whatever way: processes, servers, folders. */
export class Cleanup {
  readonly #tasks = new Set<() => Promise<void>>();
  #ending: Promise<void> | undefined;

  /** Nothing may be begun any more. */
  get isOver(): boolean {
    return this.#ending !== undefined;
  }

  /** Returns the task itself, to be done earlier; it is done once. Throws where the run is already over. */
  add(task: () => Promise<void> | void): () => Promise<void> {
    if (this.isOver) throw new Error('the run is over');
    const once = async () => {
      if (this.#tasks.delete(once)) await task();
    };
    this.#tasks.add(once);
    return once;
  }

  /** Does all of it, the latest first; called again, it waits for the same. One that fails must not keep the others. */
  run(): Promise<void> {
    this.#ending ??= this.#run();
    return this.#ending;
  }

  async #run(): Promise<void> {
    for (const task of [...this.#tasks].reverse()) {
      await task().catch((error: unknown) => process.stderr.write(`cleaning up: ${String(error)}\n`));
    }
  }
}
