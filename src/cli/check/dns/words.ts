import { printable } from '../../../report/format.js';

const LONGEST = 60;

/** A part of what somebody has written into the DNS, as a message may quote it. */
export function excerpt(text: string): string {
  const whole = printable(text);
  return whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole;
}
