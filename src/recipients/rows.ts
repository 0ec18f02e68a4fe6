import type { Column, Reject, Value } from '../domain/recipient.js';

/** A row as its format gives it, before anybody looked at the address. */
export type RawRow =
  | {
      readonly kind: 'fields';
      readonly line: number;
      /** What stands in the address column; undefined where the row has none. */
      readonly address: Value | undefined;
      readonly variables: Record<string, Value>;
    }
  | { readonly kind: 'reject'; readonly reject: Reject };

/** A list whose columns are known. */
export interface OpenedRows {
  readonly format: 'csv' | 'ndjson';
  readonly delimiter: string | null;
  readonly columns: readonly Column[];
  readonly emailColumn: Column;
  /** The rows that the text completes, in order; the text that was needed to open the list comes first, again. */
  push(text: string, final: boolean): RawRow[];
}

/** An object without a prototype: no column's name can reach or hide anything. */
export function emptyVariables(): Record<string, Value> {
  return Object.create(null);
}
