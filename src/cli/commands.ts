import type { Command } from '../config/option.js';
import { type Flags, resolveSettings, type Surroundings } from '../config/settings.js';
import type { LogLevel } from '../runtime/logger.js';
import type { Session } from './session.js';

export interface ParsedCommand {
  readonly command: Command;
  readonly flags: Flags;
}

type OpenSession = (logLevel: LogLevel, logFile: string | null) => Session;

/** Runs a command; each is loaded only when it is the one, since imports are most of a short command's time. */
export async function runCommand(
  { command, flags }: ParsedCommand,
  around: Surroundings,
  open: OpenSession,
): Promise<number> {
  const session = (settings: { readonly logLevel: LogLevel; readonly logFile: string | null }) =>
    open(settings.logLevel, settings.logFile);
  switch (command) {
    case 'launch': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./launch.js')).launch(settings, session(settings));
    }
    case 'worker': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./worker.js')).worker(settings, session(settings));
    }
    case 'progress': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./progress.js')).progress(settings, session(settings));
    }
    case 'attach': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./attach.js')).attach(settings, session(settings));
    }
    case 'pause':
    case 'resume':
    case 'cancel': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./control.js')).control(command, settings, session(settings));
    }
    case 'retry': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./retry.js')).retry(settings, session(settings));
    }
    case 'export': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./export.js')).exportResults(settings, session(settings));
    }
    case 'list': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./list.js')).list(settings, session(settings));
    }
    case 'report': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./report.js')).report(settings, session(settings));
    }
    case 'verify': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./verify.js')).verify(settings, session(settings));
    }
    case 'catch': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./catch.js')).catchMail(settings, session(settings));
    }
    case 'redis': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./redis.js')).redis(settings, session(settings));
    }
    case 'check': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./check.js')).check(settings, session(settings));
    }
    case 'preview': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./preview.js')).preview(settings, session(settings));
    }
    case 'doctor': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./doctor.js')).doctor(settings, session(settings));
    }
    case 'rehearse': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./rehearse.js')).rehearse(settings, session(settings));
    }
    case 'suppress': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./suppress.js')).suppress(settings, session(settings));
    }
    case 'serve': {
      const settings = resolveSettings(command, flags, around);
      return (await import('./serve.js')).serve(settings, session(settings));
    }
    default:
      return command satisfies never;
  }
}
