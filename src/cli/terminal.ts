import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Style } from './view/format.js';

/** Where a command prints: results on standard output, messages for people on standard error. */
export interface Terminal {
  out(text: string): void;
  say(text: string): void;
  /** Shows lines in place of the ones shown before, where standard error is a terminal. */
  live(lines: readonly string[]): void;
  /** Whether lines can be shown in place. */
  readonly interactive: boolean;
  /** Of standard error. */
  readonly style: Style;
  /** Of standard output. */
  readonly outStyle: Style;
  /** Asks on a terminal; null where nobody can be asked. */
  ask(question: string, signal: AbortSignal): Promise<string | null>;
}

/** The terminal of this process; `color` is what the environment asks for. */
export function openTerminal(color: boolean): Terminal {
  const { stdin, stdout, stderr } = process;
  let shown = 0;
  return {
    out: (text) => void stdout.write(`${text}\n`),
    say(text) {
      shown = 0;
      stderr.write(`${text}\n`);
    },
    live(lines) {
      const up = shown > 0 ? `\u001b[${shown}A` : '';
      stderr.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[0J`);
      shown = lines.length;
    },
    interactive: stderr.isTTY === true,
    style: styleOf(stderr, color),
    outStyle: styleOf(stdout, color),
    async ask(question, signal) {
      if (!stdin.isTTY || !stderr.isTTY) return null;
      const lines = createInterface({ input: stdin, output: stderr });
      try {
        return await lines.question(question, { signal });
      } finally {
        lines.close();
      }
    },
  };
}

function styleOf(stream: NodeJS.WriteStream, color: boolean): Style {
  const terminal = stream.isTTY === true;
  return { width: Math.max(40, stream.columns ?? 80), color: color && terminal, bars: terminal };
}

/** Resolves after `ms` milliseconds or when the signal aborts; true when it aborted. */
export async function waitOr(ms: number, signal: AbortSignal): Promise<boolean> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
  return signal.aborted;
}
