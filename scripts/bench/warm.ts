/**
 * Messages of 3.4 kB that a worker, and Nodemailer's loop, has sent before anything is measured: each has used about as much CPU
 * as the other by then, some four seconds on a slow machine, and gets little faster after it.
 */
export const WARM = { ours: 16_000, theirs: 1_500 } as const;
