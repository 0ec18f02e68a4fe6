import type { Campaign } from '../domain/campaign.js';
import { csvCell } from '../domain/csv.js';
import { LATE_SENT, readRecord } from '../domain/record.js';
import type { ResultSource } from '../pipeline/ports.js';
import type { Figures } from './figures.js';
import { printable } from './format.js';
import {
  checkAddresses,
  codeText,
  isoTimes,
  lateSent,
  mayHaveGone,
  messageIds,
  reasonText,
  stateAt,
} from './result-fields.js';

export const RESULTS_HEADER = 'email,state,code,attempts,message_id,time,reason,reply\n';
/** Characters that are gathered before they are written. */
const PIECE = 1 << 18;

/**
 * The lines of `results.csv`, one a recipient, in the order of the list, in pieces of about 256 kB; counts every
 * recipient into `figures` on the way. Throws LEDGER_UNBALANCED where a chunk can't be read.
 */
export async function* resultsCsv(campaign: Campaign, source: ResultSource, figures: Figures): AsyncIterable<string> {
  const words = new Map([...source.words].map(([number, text]) => [number, printable(text)]));
  const late = lateSent(source.late);
  const messageId = messageIds(campaign);
  const time = isoTimes();
  let piece = RESULTS_HEADER;
  for await (const chunk of source.chunks()) {
    checkAddresses(campaign, chunk);
    const lateHere = late.get(chunk.chunk);
    for (let index = 0; index < chunk.states.length; index++) {
      const state = stateAt(campaign, chunk, index);
      const record = readRecord(chunk.records, index);
      const address = chunk.addresses?.[index] ?? null;
      const code = codeText(record);
      const reply = words.get(record.words) ?? '';
      figures.add(state, record, address, code, reply);
      const reason = lateHere?.has(index) && mayHaveGone(state) ? LATE_SENT : reasonText(record);
      piece +=
        `${address === null ? '' : csvCell(address)},${state},${code},${record.attempts},` +
        `${address === null ? '' : csvCell(messageId(address))},${time(record.time)},${reason},${csvCell(reply)}\n`;
      if (piece.length >= PIECE) {
        yield piece;
        piece = '';
      }
    }
  }
  yield piece;
}
