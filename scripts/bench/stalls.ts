/** The queue's words for a lock that was lost, or a job that was taken from somebody who was still there. */
const STALL = /\block\b|went silent|stalled/i;

/** Lines of a worker's log that speak of a stall. Throws SyntaxError where a line is no JSON: nothing may be overlooked. */
export function countStalls(log: string): number {
  const lines = log.split('\n').filter(Boolean);
  return lines.filter((line) => {
    const { msg = '', err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    return STALL.test(`${msg} ${err?.message ?? ''}`);
  }).length;
}
