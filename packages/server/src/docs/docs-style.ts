/**
 * The style of the reference page. It follows the color scheme of the system and has one column on
 * phones.
 */
export const docsStyle = `:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f5f6f8; --line: #dfe2e7; --text: #1c2128; --faint: #5a6472; --link: #0b5cad;
  --get: #0b6e4f; --post: #0b5cad; --patch: #8a5a00; --delete: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171c; --raised: #1d2127; --line: #333a44; --text: #e6e9ee; --faint: #9aa5b4; --link: #7ab7ff;
    --get: #5fd0a5; --post: #7ab7ff; --patch: #e8b450; --delete: #ff8a80;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  display: grid; grid-template-columns: 21rem minmax(0, 1fr); grid-template-areas: "header header" "nav main";
}
header { grid-area: header; padding: 1.5rem 2rem 1rem; border-bottom: 1px solid var(--line); }
nav {
  grid-area: nav; position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1rem 1rem 2rem 2rem;
  border-right: 1px solid var(--line); font-size: .875rem;
}
main { grid-area: main; padding: 1rem 2rem 4rem; max-width: 60rem; min-width: 0; }
h1 { margin: 0 0 .5rem; font-size: 1.6rem; line-height: 1.2; }
h2 { margin: 2rem 0 .25rem; font-size: 1.25rem; }
nav h2 { margin: 1rem 0 .25rem; font-size: .875rem; }
h3 { margin: 1.75rem 0 .25rem; font-size: 1rem; }
h4 { margin: 1.25rem 0 .35rem; font-size: .875rem; color: var(--faint); font-weight: 600; }
h5 { margin: .75rem 0 .25rem; font-size: .9375rem; font-weight: 600; }
p { margin: .35rem 0; max-width: 48rem; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
nav h2 a { color: var(--text); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a { display: flex; gap: .5rem; align-items: baseline; padding: .15rem 0; color: var(--text); overflow-wrap: anywhere; }
code, pre, .method { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .875em; }
pre { margin: .35rem 0; padding: .75rem 1rem; overflow-x: auto; background: var(--raised); border-radius: 6px; line-height: 1.5; }
details { margin: .5rem 0; border: 1px solid var(--line); border-radius: 8px; }
summary { padding: .6rem .9rem; cursor: pointer; border-radius: 8px; overflow-wrap: anywhere; }
summary:hover { background: var(--raised); }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
details[open] > summary { border-bottom: 1px solid var(--line); border-radius: 8px 8px 0 0; }
.summary { color: var(--faint); }
.path { font-weight: 600; }
.operation { padding: .5rem .9rem 1rem; }
.method { display: inline-block; min-width: 3.6rem; font-weight: 700; font-size: .75rem; }
nav .method { min-width: 3.2rem; flex: none; font-size: .6875rem; }
.get { color: var(--get); } .post { color: var(--post); } .put, .patch { color: var(--patch); } .delete { color: var(--delete); }
.ok { color: var(--get); } .refused { color: var(--delete); }
.type, .optional, .token { color: var(--faint); font-size: .875rem; font-weight: 400; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .4rem .75rem .4rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { width: 15rem; font-weight: 600; }
ul.codes { margin: 0; padding-left: 1.25rem; font-size: .9375rem; }
@media (max-width: 52rem) {
  body { display: block; }
  header, main { padding-left: 1rem; padding-right: 1rem; }
  nav { position: static; height: auto; max-height: 40vh; padding: 0 1rem 1rem; border-right: 0; border-bottom: 1px solid var(--line); }
  tr { display: block; border-top: 1px solid var(--line); padding: .4rem 0; }
  th, td { display: block; width: auto; border: 0; padding: 0; }
  .summary { display: block; margin-top: .15rem; }
}
@media print { nav { display: none; } body { display: block; } }
`
