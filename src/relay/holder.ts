/** What dialogues with one relay learn of it for each other. */
export interface Manners {
  /** It takes the envelope of the next message behind a final dot. */
  ahead: boolean;
}

/** Who holds a connection hears what becomes of it. */
export interface Holder<Connection> {
  /** Free for the next message; later than the outcome of the last one. */
  free(connection: Connection): void;
  /** No use any more; said once, also when it was idle. */
  over(connection: Connection): void;
  /** Its socket is closed. */
  closed(connection: Connection): void;
}
