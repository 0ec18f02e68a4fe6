/** What a spreadsheet takes for the start of a formula (OWASP, CSV injection), its full-width forms included. */
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;
/** A semicolon, a tab and a pipe too: some spreadsheets split at these, whatever the file's own delimiter is. */
const NEEDS_QUOTES = /[",;\t|\r\n]/;

/**
 * One cell of a CSV file (RFC 4180) that a person may open in a spreadsheet: text that would run as a formula gets an
 * apostrophe in front, and quotes go around what would otherwise end the cell. A reader of the file gets the text back
 * as it was, except for that apostrophe.
 */
export function csvCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
