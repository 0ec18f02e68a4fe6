/** What a campaign waits for: why nothing moves. */
export interface Cause {
  readonly kind:
    | 'staging'
    | 'paused'
    | 'time'
    | 'hours'
    | 'hold'
    | 'workers'
    | 'relay'
    | 'credentials'
    | 'throttled'
    | 'pace'
    | 'retry'
    | 'canary'
    | 'results'
    | 'others';
  /** In words that go on after "waits for". */
  readonly text: string;
  /** Epoch milliseconds; null where nobody knows. */
  readonly until: number | null;
}
