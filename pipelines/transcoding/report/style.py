"""How the report's page looks."""

__all__ = ["STYLE"]

STYLE = """
:root {
  --ink: #1d2733; --soft: #5d6b7a; --line: #e3e8ee; --paper: #fff; --back: #f5f7fa;
  --mark: #2f6fb3; --bad: #c2483d; --good: #2c8a5b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e9ef; --soft: #9aa8b7; --line: #2f3a46; --paper: #1b222b; --back: #12171d;
    --mark: #6aa8e8; --bad: #e5776d; --good: #5cc08d;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 24px; margin: 0; }
h2 { font-size: 16px; margin: 0 0 4px; }
p { margin: 2px 0 10px; color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 20px 0; }
.tile, section { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; min-width: 0; }
.tile b { display: block; font-size: 20px; white-space: nowrap; }
.tile span { color: var(--soft); font-size: 13px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 16px; }
.rest { margin-top: 16px; }
.rest svg { max-width: 560px; }
.good { color: var(--good); }
.bad { color: var(--bad); fill: var(--bad); }
svg { width: 100%; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); }
svg .name, svg .middle-text { fill: var(--ink); }
.grid { stroke: var(--line); }
.axis { stroke: var(--soft); }
.mark { fill: var(--mark); }
.dot { fill: var(--mark); fill-opacity: .45; }
.middle-text { paint-order: stroke; stroke: var(--paper); stroke-width: 5px; stroke-linejoin: round; }
.middle { stroke: var(--ink); stroke-dasharray: 4 3; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { text-align: left; vertical-align: top; padding: 5px 10px 5px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.failed { table-layout: fixed; }
.failed th:first-child { width: 36%; }
.failed th:last-child { width: 100px; }
th { color: var(--soft); font-weight: 500; white-space: nowrap; }
pre { overflow-x: auto; font-size: 12px; color: var(--soft); }
"""
