import type { Scenario } from '../../rehearsal/scenario.js';
import type { Children } from '../../runtime/children.js';

export interface Kills {
  /** So many messages were taken by the relay. */
  taken(messages: number): void;
  /** Worker processes that were killed so far. */
  count(): number;
  stop(): void;
}

/** Kills worker processes as a scenario says, one after the other; who watches over the processes starts them again. */
export function startKills(
  plan: Scenario['kills'],
  workers: Pick<Children, 'pids'>,
  said: (text: string) => void,
): Kills {
  let killed = 0;
  const most = plan?.most ?? 0;
  const every = plan?.everyMessages ?? Number.POSITIVE_INFINITY;
  let next = every;

  function kill(when: string): void {
    const pids = workers.pids();
    const victim = pids[killed % Math.max(1, pids.length)];
    if (killed >= most || victim === undefined || !killNow(victim)) return;
    killed += 1;
    said(`Killed worker process ${victim} ${when}.`);
  }

  const { everySeconds } = plan ?? {};
  const began = performance.now();
  const clock =
    everySeconds === undefined
      ? undefined
      : setInterval(() => kill(`after ${Math.round((performance.now() - began) / 1000)} s`), everySeconds * 1000);
  return {
    taken(messages) {
      if (messages < next) return;
      next = messages + every;
      kill(`when the relay had ${messages} messages`);
    },
    count: () => killed,
    stop: () => clearInterval(clock),
  };
}

/** False where it has just ended by itself. */
function killNow(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
