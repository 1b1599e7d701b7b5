/** The report's style sheet: colours as variables, for light and dark. Up and down differ for every colour vision. */
export const pageStyle = `
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --text: #1b1f27; --quiet: #5d6675; --line: #dfe3ea; --up: #0b7fab; --down: #d5560b; --own: #0b7fab; --hold: #8a6fbf; --s0: #0072b2; --s1: #d55e00; --s2: #009e73; --s3: #cc79a7; --s4: #b58900; --s5: #56b4e9; }
@media (prefers-color-scheme: dark) { :root { --back: #11141a; --card: #1a1f28; --text: #e6e9ef; --quiet: #9aa4b5; --line: #2d3542; --up: #4db5e0; --down: #f08a4b; --own: #4db5e0; --hold: #b49ae0; --s0: #5aa9e6; --s1: #f08a4b; --s2: #3cc99a; --s3: #e39ac4; --s4: #d9b23a; --s5: #8fd0f5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 1280px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 24px; }
h1 { font-size: 22px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 0 0 8px; }
p { margin: 6px 0; }
.quiet { color: var(--quiet); font-size: 13px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px; margin: 14px 0; min-width: 0; }
.verdict { border-left: 5px solid var(--quiet); }
.verdict.skill { border-left-color: var(--s2); }
.warnings { margin: 8px 0 0; padding-left: 20px; font-size: 14px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 16px; }
.tile .name { font-size: 13px; color: var(--quiet); }
.tile .value { font-size: 24px; font-variant-numeric: tabular-nums; font-weight: 600; }
.up { color: var(--up); } .down { color: var(--down); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 0 14px; }
.heading { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 8px; }
.buttons { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 4px; }
button { font: inherit; font-size: 13px; color: var(--text); background: transparent; border: 1px solid var(--line); border-radius: 6px; padding: 3px 10px; cursor: pointer; }
button:hover, button:focus-visible { border-color: var(--own); }
.legend { min-height: 1.5em; font-size: 13px; font-variant-numeric: tabular-nums; display: flex; flex-wrap: wrap; gap: 2px 14px; color: var(--quiet); }
.legend b { font-weight: 600; color: var(--text); }
#chart { height: min(720px, 85vh); min-height: 480px; }
.scroll { overflow-x: auto; }
.tall { max-height: 480px; overflow-y: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 8px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { font-weight: 500; color: var(--quiet); }
th[scope="row"] { text-align: left; }
thead th { position: sticky; top: 0; background: var(--card); }
.months th, .months td { padding: 4px 3px; font-size: 12.5px; }
.total { font-weight: 600; }
#trades tbody tr { cursor: pointer; }
#trades tbody tr:hover { background: color-mix(in srgb, var(--own) 12%, transparent); }
.memberships { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 16px; }
figure { margin: 0; } figcaption { font-size: 13px; font-weight: 600; margin-bottom: 4px; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; display: block; overflow: visible; }
svg text { font-size: 10px; fill: var(--quiet); }
.axis { stroke: var(--line); fill: none; } .set { fill: none; stroke-width: 1.8; }
polyline.s0 { stroke: var(--s0); } polyline.s1 { stroke: var(--s1); } polyline.s2 { stroke: var(--s2); } polyline.s3 { stroke: var(--s3); } polyline.s4 { stroke: var(--s4); } polyline.s5 { stroke: var(--s5); }
.sets { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 12px; padding: 0; margin: 4px 0 0; font-size: 12.5px; }
.sets li::before { content: ""; display: inline-block; width: 14px; height: 3px; margin-right: 5px; vertical-align: middle; background: currentColor; }
li.s0::before { color: var(--s0); } li.s1::before { color: var(--s1); } li.s2::before { color: var(--s2); } li.s3::before { color: var(--s3); } li.s4::before { color: var(--s4); } li.s5::before { color: var(--s5); }
footer { padding: 4px 20px 28px; }
a { color: inherit; }
@media (max-width: 560px) { header, main, footer { padding-left: 10px; padding-right: 10px; } section { padding: 12px; } .tile .value { font-size: 20px; } .figures { grid-template-columns: repeat(2, 1fr); gap: 12px; } #chart { height: 560px; } }
`;
