import type { State } from '../domain/state.js';
import type { Summary } from '../domain/summary.js';
import { clock, shareBar, stackedBar, timelineChart } from './chart.js';
import { count, duration, latency, percent, perSecond, printable } from './format.js';
import { type Content, type Html, html, trusted } from './html.js';
import { PAGE_STYLE } from './page-style.js';
import { askedWords } from './round-words.js';
import { CLASS_WORDS, domainText, ranked, resultNames, shownStates, UNKNOWN_MEANS, whenRows } from './summary-text.js';

/**
 * A summary as one page of HTML that needs nothing else: no script, no file, no network. Everything that a list or a relay
 * said is escaped, and the page's own policy lets the browser load or run nothing.
 */
export function summaryPage(summary: Summary): string {
  const title = printable(summary.name) || summary.campaign;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="generator" content="fanmail">
<link rel="icon" href="data:,">
<title>${title}: ${summary.phase}</title>
<style>${trusted(PAGE_STYLE)}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
<p class="dim">Campaign <code>${summary.campaign}</code>, ${summary.phase}${summary.round > 1 ? `, round ${summary.round}` : ''}</p>
</header>
${sections(summary)}
</main>
</body>
</html>
`;
  return page.toString();
}

function sections(summary: Summary): Content[] {
  return [
    totals(summary),
    throughput(summary),
    latencies(summary),
    reasons(summary),
    relays(summary),
    refusals(summary),
    replies(summary),
    domains(summary),
    rounds(summary),
    facts(summary),
    rejects(summary),
  ];
}

function totals(summary: Summary): Html {
  const { states, total, lateWords } = summary;
  const shown = shownStates(states);
  const words = (state: State) => `${count(states[state])} ${nameOf(state)}, ${percent(states[state], total)}`;
  const parts = shown.map((state) => ({ kind: kindOf(state), value: states[state], name: words(state) }));
  const rows = shown.map(
    (
      state,
    ) => html`<tr><th scope="row">${swatch(kindOf(state))}${nameOf(state)}</th>${numbers(states[state])}<td class="n">${percent(states[state], total)}</td></tr>
`,
  );
  return section('Totals', [
    html`<dl class="figures">
${figure('sent', 'sent', count(states.sent), percent(states.sent, total))}
${figure('failed', 'failed', count(states.failed), percent(states.failed, total))}
${figure('unknown', 'unknown', count(states.unknown), percent(states.unknown, total))}
${figure('time', 'took', duration(summary.durationMs), `${perSecond(summary.sentPerSecond)} sent`)}
</dl>
${stackedBar(parts, `Recipients by state: ${shown.map(words).join('; ')}`)}
`,
    table('Recipients by state', ['state', '#recipients', '#share'], rows, [
      html`<th scope="row">total</th>${numbers(total)}<td></td>`,
    ]),
    states.unknown > 0 ? html`<p class="dim">${UNKNOWN_MEANS}</p>` : html``,
    lateWords > 0
      ? html`<p class="dim">${count(lateWords)} outcomes came after the end and are not counted here; the results say “late-sent” where a message was taken after all.</p>`
      : html``,
  ]);
}

function throughput({ timeline }: Summary): Html {
  return timeline ? section('Throughput', [timelineChart(timeline)]) : html``;
}

function latencies({ latencyMs: l, latencies: all = [] }: Summary): Html {
  if (l === null) return html``;
  const most = all.reduce((a, b) => Math.max(a, b.count), 0);
  const rows = all.map(({ fromMs, toMs, count: answers }) => {
    const name = `${span(fromMs)} to ${span(toMs)}`;
    return html`<tr><th scope="row">${name}</th>${numbers(answers)}<td class="graph">${shareBar(answers, most, `${name}: ${count(answers)} answers`, 'answers')}</td></tr>
`;
  });
  return section('Latency', [
    html`<p class="dim">From MAIL to the relay's last reply, for every try that got one.</p>
<dl class="figures">
${figure('time', 'median', latency(l.p50), 'half were faster')}
${figure('time', '90%', latency(l.p90), 'were faster')}
${figure('time', '99%', latency(l.p99), 'were faster')}
</dl>
`,
    rows.length > 0 ? table('Answers by how long they took', ['time', '#answers', ''], rows) : html``,
  ]);
}

function reasons({ reasons: all }: Summary): Html {
  const rows = ranked(all).map(
    ([reason, value]) => html`<tr><th scope="row"><code>${reason}</code></th>${numbers(value)}</tr>
`,
  );
  if (rows.length === 0) return html``;
  return section('Why recipients are failed or unknown', [
    table('Recipients by reason', ['reason', '#recipients'], rows),
  ]);
}

function refusals({ refusals: all }: Summary): Html {
  const rows = all.map(
    ({ code, count: times, sample }) =>
      html`<tr><th scope="row"><code>${code === '*' ? '(others)' : code}</code></th>${numbers(times)}<td>${sample}</td></tr>
`,
  );
  if (rows.length === 0) return html``;
  return section('What the relay refused', [
    table('Final refusals by code', ['code', '#recipients', "the relay's words, once"], rows),
  ]);
}

function relays({ relays: all = [] }: Summary): Html {
  const rows = all.map(
    ({ relay, spare, sent, failed, deferred, throttled, unknown }) =>
      html`<tr><th scope="row">${relay}${spare ? ' (spare)' : ''}</th>${numbers(sent, failed, deferred, throttled, unknown)}</tr>
`,
  );
  if (rows.length === 0) return html``;
  const heads = ['relay', '#sent', '#failed', '#deferred', '#throttled', '#unknown'];
  return section('Relays', [table('What became of messages at each relay, every try counted', heads, rows)]);
}

function replies({ replies: all = [] }: Summary): Html {
  const rows = all.map(
    ({ code, class: replyClass, count: times, sample }) =>
      html`<tr><th scope="row"><code>${code}</code></th><td>${replyClass === null ? '' : CLASS_WORDS[replyClass]}</td>${numbers(times)}<td>${sample}</td></tr>
`,
  );
  if (rows.length === 0) return html``;
  return section('What refusals were taken for', [
    table(
      'Refusals at every try, those for now too',
      ['code', 'taken for', '#refusals', "the relay's words, once"],
      rows,
    ),
  ]);
}

function domains({ domains: all }: Summary): Html {
  const rows = all.map(
    ({
      domain,
      total,
      sent,
      failed,
      unknown,
    }) => html`<tr><th scope="row">${domainText(domain)}</th>${numbers(total, sent, failed, unknown)}</tr>
`,
  );
  if (rows.length === 0) return html``;
  return section('Recipient domains', [
    table('Recipients by domain', ['domain', '#total', '#sent', '#failed', '#unknown'], rows),
  ]);
}

function rounds({ rounds: all = [] }: Summary): Html {
  const rows = all.map(
    ({ round, phase, openedAt, recipients, asked, ended: { sent, failed, skipped, unknown } }) =>
      html`<tr><th scope="row">${round}</th><td>${time(openedAt)}</td><td>${phase}</td>${numbers(recipients, sent, failed, unknown, skipped)}<td>${askedWords(asked)}</td></tr>
`,
  );
  if (rows.length === 0) return html``;
  const figures = ['#recipients', '#sent', '#failed', '#unknown', '#skipped'];
  return section('Rounds', [
    table('Rounds of the campaign', ['round', 'opened', 'end', ...figures, 'asked for'], rows),
  ]);
}

function time(iso: string): Html {
  return html`<time datetime="${iso}">${clock(Date.parse(iso))} UTC</time>`;
}

function facts(summary: Summary): Html {
  const { list, template, round } = summary;
  const rows: [string, Content][] = [
    ['From', summary.from],
    ['Relay', summary.relay],
    ['Staged', time(summary.sealedAt)],
    ['Started', time(summary.startedAt)],
    ['Ended', time(summary.closedAt)],
    ['Retries', count(summary.retries)],
    ...whenRows(summary).map(([label, text]): [string, Content] => [capital(label), text]),
    ['List', html`${count(list.rows)} rows, sha256 <code>${list.sha256}</code>`],
    ['Template', html`sha256 <code>${template.sha256}</code>`],
    ['Every recipient', html`<code>${resultNames(round).results}</code>, beside this page`],
  ];
  return section('Campaign', [
    html`<dl class="facts">
${rows.map(
  ([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>
`,
)}</dl>
`,
  ]);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function rejects({ list }: Summary): Html {
  const rows = ranked(list.rejects).map(
    ([reason, value]) => html`<tr><th scope="row"><code>${reason}</code></th>${numbers(value)}</tr>
`,
  );
  if (rows.length === 0) return html``;
  return section('Rows of the list that were rejected', [table('Rows by reason', ['reason', '#rows'], rows)]);
}

function section(heading: string, content: readonly Content[]): Html {
  return html`<section>
<h2>${heading}</h2>
${content}</section>
`;
}

/** A heading that begins with # is of numbers; an empty one is of a graph that repeats its row. */
function table(caption: string, headings: readonly string[], rows: readonly Html[], foot: readonly Html[] = []): Html {
  const heads = headings.map((text) => {
    if (text === '') return html`<td></td>`;
    return text.startsWith('#')
      ? html`<th scope="col" class="n">${text.slice(1)}</th>`
      : html`<th scope="col">${text}</th>`;
  });
  return html`<div class="wide">
<table>
<caption>${caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>
${rows}</tbody>
${foot.map((cells) => html`<tfoot><tr>${cells}</tr></tfoot>`)}
</table>
</div>
`;
}

function numbers(...values: readonly number[]): Html[] {
  return values.map((value) => html`<td class="n">${count(value)}</td>`);
}

function figure(kind: string, label: string, value: string, beside: string): Html {
  return html`<div class="${kind}"><dt>${label}</dt><dd>${value}</dd><dd class="dim">${beside}</dd></div>`;
}

function swatch(kind: string): Html {
  return html`<svg class="swatch" aria-hidden="true" viewBox="0 0 10 10"><rect class="${kind}" width="10" height="10"/></svg>`;
}

function kindOf(state: State): string {
  return state === 'sent' || state === 'failed' || state === 'unknown' ? state : 'other';
}

function nameOf(state: State): string {
  return state === 'inflight' ? 'in flight' : state;
}

/** An edge of a latency's bucket. */
function span(ms: number): string {
  return ms < 10 ? `${ms} ms` : latency(ms);
}
