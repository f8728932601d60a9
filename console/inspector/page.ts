/**
 * The page: the hosted viewer in a frame, with a plain list beside it, for when the viewer cannot be reached.
 *
 * The page opens a socket and draws the list. When the viewer in the frame says that it is there, the page opens a new socket,
 * and from then on hands over all that comes from it: so the viewer is told everything from the beginning. Frames are given to
 * the origin of the viewer and to no other. What comes from the system is only ever shown as text.
 *
 * The style and the script are texts with a nonce each: nothing else may run in here.
 */
import { STYLE } from './page-style.ts';
import { SCRIPT } from './page-script.ts';

interface PageOptions {
  readonly nonce: string;
  readonly viewer: URL | undefined;
}

export function page({ nonce, viewer }: PageOptions): string {
  const frame =
    viewer === undefined
      ? ''
      : `<iframe id="viewer" hidden title="Stately" referrerpolicy="no-referrer" ` +
        `sandbox="allow-scripts allow-same-origin allow-forms allow-popups" src="${attribute(viewer.href)}"></iframe>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Heddle inspector</title>
<style nonce="${nonce}">${STYLE}</style>
<header>
  <h1>Heddle</h1>
  <p id="link"></p>
  <nav id="tabs" hidden><button id="show-viewer" type="button">Stately</button><button id="show-list" type="button">List</button></nav>
</header>
<p id="notice" hidden></p>
<main id="list">
  <section>
    <h2>Actors <span id="count"></span></h2>
    <input id="filter" type="search" placeholder="address or state" aria-label="Show only" autocomplete="off">
    <div class="scroll"><table><thead><tr><th>actor</th><th>state</th><th>last event</th></tr></thead><tbody id="actors"></tbody></table></div>
  </section>
  <section>
    <h2 id="detail-title">Context</h2>
    <pre id="detail" class="scroll">Choose an actor.</pre>
    <h2>Events</h2>
    <ol id="events" class="scroll"></ol>
  </section>
</main>
${frame}
<script nonce="${nonce}">${SCRIPT}({ window, document, WebSocket, location, viewerOrigin: ${JSON.stringify(viewer?.origin ?? null)} });</script>
</html>
`;
}

const attribute = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
