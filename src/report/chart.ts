import type { Timeline } from '../domain/summary.js';
import { count, duration } from './format.js';
import { type Html, html } from './html.js';

/** Fewer steps don't fill the width, or one bar would look like a wall. */
const STEPS_AT_LEAST = 12;
const DAY = 24 * 3_600_000;

/**
 * Recipients that ended, over time: bars that stretch to any width, with the words of the axes beside them as text of the
 * page, so that they stay readable on a phone and on paper.
 */
export function timelineChart({ startedAt, stepMs, counts }: Timeline): Html {
  const start = Date.parse(startedAt);
  const slots = Math.max(STEPS_AT_LEAST, counts.length);
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  const total = counts.reduce((a, b) => a + b, 0);
  const top = roundUp(most);
  const step = duration(stepMs).replace(/ 00 \w+$/, '');
  const at = (slot: number) => start + slot * stepMs;
  const label = axisTimes(slots * stepMs, stepMs);
  const bars = counts.map((value, slot) =>
    value === 0
      ? html``
      : html`<rect x="${slot}" y="${100 - (100 * value) / top}" width="${slots > 100 ? 1 : 0.9}" height="${(100 * value) / top}"><title>${clock(at(slot))}: ${count(value)} in ${step}</title></rect>`,
  );
  return html`<figure class="chart">
<figcaption>Recipients that reached a final state, per ${step}: ${count(total)} in all, ${count(most)} at most; times in UTC</figcaption>
<div class="plot">
<div class="y" aria-hidden="true"><span>${count(top)}</span><span>${count(top / 2)}</span><span>0</span></div>
<svg role="img" aria-labelledby="timeline-title timeline-desc" viewBox="0 0 ${slots} 100" preserveAspectRatio="none">
<title id="timeline-title">Throughput over time</title>
<desc id="timeline-desc">From ${clock(start)} to ${clock(at(counts.length))} UTC, ${count(total)} recipients reached a final state, at most ${count(most)} in ${step}.</desc>
<path class="grid" d="M0 0H${slots}M0 50H${slots}M0 100H${slots}"/>
${bars}
</svg>
<div class="x" aria-hidden="true"><span>${label(at(0))}</span><span>${label(at(slots / 2))}</span><span>${label(at(slots))}</span></div>
</div>
</figure>`;
}

/** A bar for a cell of a table: `part` of `whole`, in the colour of the class. */
export function shareBar(part: number, whole: number, name: string, kind: string): Html {
  const width = whole === 0 ? 0 : (100 * part) / whole;
  return html`<svg class="bar" role="img" viewBox="0 0 100 10" preserveAspectRatio="none"><title>${name}</title><rect class="${kind}" width="${width}" height="10"/></svg>`;
}

/** `values` side by side, each in the colour of its class. */
export function stackedBar(values: readonly { kind: string; value: number; name: string }[], title: string): Html {
  const whole = values.reduce((sum, { value }) => sum + value, 0);
  let x = 0;
  const parts = values.map(({ kind, value, name }) => {
    const width = whole === 0 ? 0 : (100 * value) / whole;
    x += width;
    return html`<rect class="${kind}" x="${x - width}" width="${width}" height="10"><title>${name}</title></rect>`;
  });
  return html`<svg class="stack" role="img" aria-labelledby="states-title" viewBox="0 0 100 10" preserveAspectRatio="none"><title id="states-title">${title}</title><rect class="none" width="100" height="10"/>${parts}</svg>`;
}

/** `2026-05-01 12:00:05`, in UTC. */
export function clock(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** Only what tells the ends of the axis apart. */
function axisTimes(spanMs: number, stepMs: number): (ms: number) => string {
  if (stepMs >= DAY) return (ms) => clock(ms).slice(0, 10);
  if (spanMs >= DAY) return (ms) => clock(ms).slice(5, 16);
  return (ms) => clock(ms).slice(11, spanMs < 3_600_000 ? 19 : 16);
}

/** The next of 2, 4, 6, 8, 10, 20, 40 and so on: its half is a whole number. */
function roundUp(value: number): number {
  let unit = 2;
  while (value > unit * 5) unit *= 10;
  return Math.max(unit, Math.ceil(value / unit) * unit);
}
