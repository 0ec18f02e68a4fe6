import type { Log } from '../pipeline/ports.js';

/**
 * Something that runs. `stop` may be called twice, before `start` or while starting, and resolves only when the part has
 * really stopped.
 */
export interface Part {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts parts in order and stops them in reverse, as one part. A failed start releases what had started. */
export class Lifecycle implements Part {
  readonly name: string;
  readonly #parts: readonly Part[];
  readonly #log: Log;
  readonly #begun: Part[] = [];
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(name: string, parts: readonly Part[], log: Log) {
    this.name = name;
    this.#parts = parts;
    this.#log = log;
  }

  /** @throws what the part that failed threw, after the others were stopped. A lifecycle starts once. */
  start(): Promise<void> {
    this.#starting ??= this.#startAll();
    return this.#starting;
  }

  /** @throws AggregateError where parts failed to stop; the others are stopped all the same. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #startAll(): Promise<void> {
    for (const part of this.#parts) {
      if (this.#stopping) return;
      try {
        await part.start();
        this.#begun.push(part);
      } catch (error) {
        await this.#release().catch((cause: unknown) => {
          this.#log.error({ err: cause, lifecycle: this.name }, 'after a failed start, parts did not stop');
        });
        throw error;
      }
    }
  }

  async #stopAll(): Promise<void> {
    // A part that is starting finishes that first: half-started things can't be stopped. Its failure is start's to tell.
    await this.#starting?.catch(() => {});
    await this.#release();
  }

  async #release(): Promise<void> {
    const failures: unknown[] = [];
    for (let part = this.#begun.pop(); part; part = this.#begun.pop()) {
      try {
        await part.stop();
      } catch (error) {
        failures.push(error);
        this.#log.error({ err: error, part: part.name }, 'a part failed to stop');
      }
    }
    if (failures.length > 0)
      throw new AggregateError(failures, `${this.name}: ${failures.length} parts failed to stop.`);
  }
}
