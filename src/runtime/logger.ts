import { type DestinationStream, destination, pino } from 'pino';
import type { Log } from '../pipeline/ports.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** A file to append to; without one, standard error: standard output is for results. */
  readonly file?: string;
  /** Fields of every line. */
  readonly base?: Readonly<Record<string, string | number>>;
}

export interface Logger extends Log {
  /** Ends the file; later lines are lost. */
  close(): void;
}

/** JSON lines, written at once, so that the last words before a crash are there. Credentials are taken out of all texts. */
export function createLogger(options: LoggerOptions): Logger {
  const stream = destination({ dest: options.file ?? 2, sync: true, append: true, mkdir: true, mode: 0o600 });
  return { ...loggerTo(stream, options), close: () => options.file !== undefined && stream.end() };
}

function loggerTo(stream: DestinationStream, { level, base }: LoggerOptions): Log {
  const logger = pino(
    {
      level,
      base: { pid: process.pid, ...base },
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (err: object) => err },
    },
    stream,
  );
  const write = (at: Exclude<LogLevel, 'silent'>) => (fields: object, message: string) => {
    if (logger.isLevelEnabled(at)) logger[at](scrubbed(fields, 0) as object, scrubText(message));
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

const SECRET_NAME =
  /^(pass(word|wd|phrase)?|secret|token|auth(orization)?|credentials?|smtp_?url|redis_?url|private_?key)$/i;
const DEEPEST = 4;

/** A copy without credentials: fields with a telling name, and the logins of URLs in any text. */
function scrubbed(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrubText(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth > DEEPEST) return '…';
  if (value instanceof Error) return scrubbedError(value, depth);
  if (Array.isArray(value)) return value.map((item) => scrubbed(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, SECRET_NAME.test(name) ? '***' : scrubbed(item, depth + 1)]),
  );
}

function scrubbedError(error: Error, depth: number): object {
  return {
    type: error.name,
    ...('code' in error ? { code: error.code } : {}),
    message: scrubText(error.message),
    stack: scrubText(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: scrubbed(error.cause, depth + 1) }),
  };
}

/** `smtp://user:password@host` becomes `smtp://***@host`; a password may hold an unescaped @ or /. */
export function scrubText(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s"'<>]*@/gi, '$1***@');
}
