/** How the inspector's page looks, by day and by night. */
export const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#dcdfe4, #30343b); --soft: light-dark(#f5f6f8, #1c1f24);
  --dim: light-dark(#68707c, #959daa); --blue: light-dark(#2559c7, #7fa6ff); --green: light-dark(#157347, #5bd093);
  --red: light-dark(#b3261e, #ff8a80); --back: light-dark(#fff, #131519); }
* { box-sizing: border-box; margin: 0; }
html, body { height: 100%; }
body { display: flex; flex-direction: column; background: var(--back); font: 14px/1.45 system-ui, sans-serif; }
[hidden] { display: none !important; }
header { display: flex; align-items: center; gap: 12px; padding: 8px 16px; border-bottom: 1px solid var(--line); }
h1 { font-size: 15px; }
#link { flex: 1; color: var(--dim); }
#link::before { content: '●'; margin-right: 6px; color: var(--red); }
#link.on::before { color: var(--green); }
nav { display: flex; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
button { border: 0; padding: 4px 12px; background: none; font: inherit; cursor: pointer; }
button.on { background: var(--blue); color: var(--back); }
#notice { padding: 8px 16px; background: var(--soft); border-bottom: 1px solid var(--line); color: var(--dim); }
#viewer { flex: 1; width: 100%; border: 0; }
main { flex: 1; min-height: 0; display: grid; grid-template-columns: 3fr 2fr; }
section { display: flex; flex-direction: column; min-height: 0; min-width: 0; }
section + section { border-left: 1px solid var(--line); }
h2 { padding: 12px 16px 6px; font-size: 12px; font-weight: 600; color: var(--dim); }
#filter { margin: 0 16px 8px; padding: 5px 10px; border: 1px solid var(--line); border-radius: 6px; background: var(--back); font: inherit; }
.scroll { flex: 1; min-height: 0; overflow: auto; padding: 0 16px 12px; }
table { width: 100%; border-collapse: collapse; }
th { position: sticky; top: 0; padding: 4px 12px 4px 0; background: var(--back); text-align: left; font-weight: 400; color: var(--dim); }
td { padding: 3px 12px 3px 0; border-top: 1px solid var(--line); vertical-align: top; }
td, pre, li { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; }
tbody tr { cursor: pointer; }
tbody tr:hover, tr.on { background: var(--soft); }
.child { color: var(--dim); }
.active { color: var(--blue); }
.done { color: var(--green); }
.error { color: var(--red); }
.stopped { color: var(--dim); }
pre { white-space: pre-wrap; }
ol { list-style: none; }
li { padding: 2px 0; border-top: 1px solid var(--line); }
time, .from { color: var(--dim); }
@media (max-width: 800px) { main { grid-template-columns: 1fr; grid-template-rows: 1fr 1fr; }
  section + section { border-left: 0; border-top: 1px solid var(--line); } }
`;
