/** How long each step may take, in milliseconds. */
export interface Timeouts {
  /** From the look-up of the name to an open socket. */
  readonly connect: number;
  /** For the greeting, for EHLO, STARTTLS and each step of the login. */
  readonly greeting: number;
  /** For all of that together: a relay that says a little at a time, and never an end, is not waited for. */
  readonly setUp: number;
  readonly mail: number;
  /** For MAIL that went out behind a final dot, before the relay counts as one that drops it. */
  readonly ahead: number;
  readonly rcpt: number;
  readonly data: number;
  /** For the socket to take any byte of a message. */
  readonly block: number;
  /** For the reply to the final dot: giving up early makes second copies. */
  readonly message: number;
  /** For what is still due after a refusal is known. */
  readonly afterRefusal: number;
  /** For the relay to close its side after QUIT. */
  readonly quit: number;
}

/** RFC 5321 4.5.3.2 from MAIL on; shorter where nothing but time is lost. */
export const TIMEOUTS: Timeouts = {
  connect: 30_000,
  greeting: 30_000,
  setUp: 180_000,
  mail: 300_000,
  ahead: 60_000,
  rcpt: 300_000,
  data: 120_000,
  block: 180_000,
  message: 600_000,
  afterRefusal: 5_000,
  quit: 2_000,
};
