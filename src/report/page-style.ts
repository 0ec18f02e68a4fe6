/** The page's only style: light, dark by the reader's setting, and plain on paper. No font, picture or file is fetched. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --page: #fff; --ink: #1b1f24; --dim: #57606a; --line: #d5dae0; --soft: #f3f5f7;
  --sent: #0f766e; --failed: #b91c1c; --unknown: #b45309; --other: #6b7280; --bar: #2563eb; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171a; --ink: #e6e9ec; --dim: #a0a9b3; --line: #353b42; --soft: #1e2328;
    --sent: #2dd4bf; --failed: #f87171; --unknown: #fbbf24; --other: #9ca3af; --bar: #60a5fa; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p { margin: .25rem 0 .75rem; }
.dim, caption, figcaption, dt, .x, .y { color: var(--dim); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 1.25rem 0; padding: 0; }
.figures div { background: var(--soft); border-top: 4px solid var(--other); border-radius: .25rem; padding: .5rem .75rem; }
.figures .sent { border-color: var(--sent); } .figures .failed { border-color: var(--failed); }
.figures .unknown { border-color: var(--unknown); } .figures .time { border-color: var(--bar); }
.figures dd { margin: 0; font-size: 1.5rem; line-height: 1.3; font-weight: 650; font-variant-numeric: tabular-nums; }
.figures dd + dd { font-size: .875rem; font-weight: 400; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
.facts dd { margin: 0; }
svg { display: block; width: 100%; fill: var(--bar); }
svg .sent { fill: var(--sent); } svg .failed { fill: var(--failed); } svg .unknown { fill: var(--unknown); }
svg .other { fill: var(--other); } svg .none { fill: var(--line); }
.stack { height: 1.25rem; border-radius: .25rem; }
.bar { height: .7rem; min-width: 3rem; }
.grid { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; fill: none; }
.chart { margin: 0; }
.plot { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem .5rem; margin-top: .5rem; }
.plot svg { height: 12rem; }
.x, .y { display: flex; justify-content: space-between; font-size: .8rem; line-height: 1; font-variant-numeric: tabular-nums; }
.y { flex-direction: column; text-align: right; }
.x { grid-column: 2; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 0; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; }
tbody th { font-weight: 400; }
thead th { border-bottom-width: 2px; vertical-align: bottom; overflow-wrap: normal; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.graph { width: 40%; vertical-align: middle; }
tfoot th, tfoot td { border-bottom: 0; font-weight: 600; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
.swatch { display: inline-block; width: .75em; height: .75em; margin-right: .5em; border-radius: .15em; vertical-align: baseline; }
@media (max-width: 34rem) {
  th, td { padding: .3rem .2rem; font-size: .75rem; }
  td.graph { width: 30%; }
  .figures dd { font-size: 1.25rem; }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: .4rem; }
}
@page { margin: 15mm; }
@media print {
  :root { color-scheme: light; --page: #fff; --ink: #000; --dim: #444; --line: #bbb; --soft: #fff;
    --sent: #0f766e; --failed: #b91c1c; --unknown: #b45309; --other: #6b7280; --bar: #2563eb; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  tr, figure, .figures, .facts { break-inside: avoid; }
  h2, caption { break-after: avoid; }
  .wide { overflow: visible; }
}
`;
