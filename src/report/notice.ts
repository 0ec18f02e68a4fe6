import type { Summary } from '../domain/summary.js';
import { clip, count, printable } from './format.js';
import { summaryText } from './summary-text.js';

export interface NoticeOptions {
  readonly from: string;
  readonly to: string;
  /** The folder with the results, on the machine where the campaign ended. */
  readonly dir?: string;
}

/** The mail that tells the operator how a campaign ended: a one-line subject and a plain text with LF line ends. */
export function noticeMessage(summary: Summary, { from, to, dir }: NoticeOptions): { subject: string; text: string } {
  const { sent, failed, unknown } = summary.states;
  const figures = [`${count(sent)} of ${count(summary.total)} sent`];
  if (failed > 0) figures.push(`${count(failed)} failed`);
  if (unknown > 0) figures.push(`${count(unknown)} unknown`);
  const name = clip(printable(summary.name) || summary.campaign, 60);
  return {
    subject: `${name} ${summary.phase}: ${figures.join(', ')}`,
    text:
      `${summaryText(summary, { width: 72, ...(dir !== undefined && { dir }) })}\n` +
      `fanmail sent this from ${printable(from)} to ${printable(to)}, since the launch asked for a notice.\n`,
  };
}
