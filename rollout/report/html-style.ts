/** The page's whole style: it loads nothing. Verdicts have a color, a shape and a word. */
export const htmlStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1a2130; --muted: #5f6b7f; --line: #e3e7ee;
  --accent: #3f5fd8; --pass: #15803d; --fail: #c62828; --blind: #a86400;
  --pass-soft: #e3f4e9; --fail-soft: #fdeaea; --blind-soft: #fdf1dc; --accent-soft: #e8edfc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141b; --card: #181e28; --text: #e7ebf2; --muted: #93a0b5; --line: #29313e;
    --accent: #8aa4ff; --pass: #4ade80; --fail: #ff7b7b; --blind: #f3b54a;
    --pass-soft: #14301f; --fail-soft: #3a1b1e; --blind-soft: #34270f; --accent-soft: #1d2745;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 48px; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; margin-bottom: 20px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h1 .from { color: var(--muted); font-weight: 500; }
h2 { font-size: 13px; text-transform: uppercase; letter-spacing: 0.06em; color: var(--muted); margin: 0 0 12px; }
h3 { font-size: 14px; margin: 0; font-weight: 600; }
.service { flex-basis: 100%; color: var(--muted); font-weight: 600; }
.badge { padding: 4px 14px; border-radius: 999px; font-weight: 600; font-size: 14px; }
.badge.pass { background: var(--pass-soft); color: var(--pass); }
.badge.fail { background: var(--fail-soft); color: var(--fail); }
.badge.blind { background: var(--blind-soft); color: var(--blind); }
.badge.running { background: var(--accent-soft); color: var(--accent); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; margin-bottom: 16px; }
.why.pass { border-left: 4px solid var(--pass); }
.why.fail { border-left: 4px solid var(--fail); }
.why.blind { border-left: 4px solid var(--blind); }
.why.running { border-left: 4px solid var(--accent); }
.why p { margin: 0; overflow-wrap: anywhere; }
.why p:first-of-type { font-size: 17px; }
.facts { display: flex; flex-wrap: wrap; gap: 14px 44px; margin: 0; }
.facts dt { color: var(--muted); font-size: 13px; }
.facts dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
.chart .scroll svg { display: block; width: 100%; min-width: 640px; height: auto; }
.metrics { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 20px 28px; }
.metrics svg { display: block; width: 100%; height: auto; }
.metrics figcaption { display: flex; justify-content: space-between; gap: 12px; }
.metrics figcaption span { color: var(--muted); }
figure { margin: 0; min-width: 0; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; color: var(--muted); font-size: 13px; margin: 8px 0 0; padding: 0; list-style: none; }
.legend svg { width: 14px; height: 14px; vertical-align: -2px; margin-right: 6px; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.axis { fill: var(--muted); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); }
.base, .tick { stroke: var(--muted); opacity: 0.6; }
.area { fill: var(--accent); opacity: 0.13; }
.line { fill: none; stroke: var(--accent); stroke-width: 2.5; stroke-linejoin: round; }
.values { fill: none; stroke: var(--accent); stroke-width: 1.75; stroke-linejoin: round; }
.range { fill: var(--pass); opacity: 0.09; }
.bound { stroke: var(--pass); stroke-dasharray: 5 4; opacity: 0.8; }
.moment { stroke-width: 1.5; stroke-dasharray: 3 3; }
.moment.pass { stroke: var(--pass); } .moment.fail { stroke: var(--fail); }
.moment-label.pass { fill: var(--pass); } .moment-label.fail { fill: var(--fail); }
.value-label { fill: var(--text); font-weight: 600; }
.mark { stroke: var(--card); stroke-width: 1.5; }
.mark.pass { fill: var(--pass); }
.mark.fail { fill: none; stroke: var(--fail); stroke-width: 3; stroke-linecap: round; }
.mark.blind { fill: var(--blind); }
table { border-collapse: collapse; width: 100%; min-width: 860px; font-variant-numeric: tabular-nums; }
th { text-align: left; font-size: 13px; font-weight: 600; color: var(--muted); padding: 0 12px 8px 0; white-space: nowrap; }
td { border-top: 1px solid var(--line); padding: 8px 12px 8px 0; vertical-align: top; }
td.time, td.place { white-space: nowrap; }
td.time small { display: block; color: var(--muted); }
td.weight, th.weight { text-align: right; white-space: nowrap; }
td.why-cell { overflow-wrap: anywhere; min-width: 220px; }
.verdict { font-weight: 600; white-space: nowrap; }
.verdict.pass, .measured .pass { color: var(--pass); }
.verdict.fail, .measured .fail { color: var(--fail); }
.verdict.blind, .measured .blind { color: var(--blind); }
.measured { min-width: 280px; overflow-wrap: anywhere; margin: 0; padding: 0; list-style: none; }
.measured b { font-weight: 600; }
footer { color: var(--muted); font-size: 13px; overflow-wrap: anywhere; }
code { font: 0.92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--accent-soft); border-radius: 4px; padding: 1px 5px; }
@media print { body { background: #fff; } section { break-inside: avoid; } }
`;
