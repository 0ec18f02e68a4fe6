import type { Column, Reject, Value } from '../domain/recipient.js';
import type { CsvLayout } from './csv-layout.js';

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
  /** Null for NDJSON. */
  readonly layout: CsvLayout | null;
  /**
   * The rows that the text completes, in order; the text that was needed to open the list comes first, again. Of their
   * variables those of `needs` are there; others may be.
   */
  push(text: string, final: boolean, needs?: readonly string[]): RawRow[];
}

/** An object without a prototype: no column's name can reach or hide anything. For names that differ by row. */
export function emptyVariables(): Record<string, Value> {
  return Object.create(null);
}

/**
 * The same for rows that all have the same names: an object whose prototype has nothing at all and no prototype of its
 * own. V8 keeps these as it keeps objects of a class, in a third of the memory of those that are made without a prototype.
 */
export class SameVariables {
  [name: string]: Value;
}
Object.setPrototypeOf(SameVariables.prototype, null);
Reflect.deleteProperty(SameVariables.prototype, 'constructor');
