/**
 * What the inspector's page does, as the text of a function that takes the browser: `window`, `document`, `WebSocket`, `location`
 * and the origin of the hosted viewer. It is bounded as the server is: so many actors and events are drawn, and no more.
 */
export const SCRIPT = `(({ window, document, WebSocket, location, viewerOrigin }) => {
  const MAX_ACTORS = 20000, MAX_ROWS = 300, MAX_EVENTS = 100, RETRY_MS = 1500, PATIENCE_MS = 6000;
  const at = (id) => document.getElementById(id);
  const viewer = at('viewer');
  const actors = new Map();
  let events = [], chosen, socket, isConnected = false, isOver = false, isDrawing = false;

  // ---- the socket ----
  function open() {
    const mine = (socket = new WebSocket('ws://' + location.host + '/' + location.search));
    actors.clear();
    events = [];
    mine.onopen = () => tell('on', 'connected');
    mine.onmessage = ({ data }) => { if (mine === socket) take(JSON.parse(data)); };
    mine.onclose = ({ code, reason }) => {
      if (mine !== socket) return;
      tell('', 'disconnected' + (reason ? ': ' + reason : '') + ', trying again');
      window.setTimeout(open, RETRY_MS);
    };
    draw();
  }
  function tell(className, text) {
    at('link').className = className;
    at('link').textContent = text;
  }
  function take(frame) {
    if (isConnected) viewer.contentWindow.postMessage(frame, viewerOrigin);
    const { type, sessionId } = frame;
    if (type === '@xstate.event') {
      const actor = actors.get(sessionId);
      if (actor) actor.last = frame.event.type;
      events.push(frame);
      if (events.length > MAX_EVENTS) events.shift();
    } else if (type === '@xstate.actor') {
      if (actors.size < MAX_ACTORS || actors.has(sessionId)) actors.set(sessionId, { frame, snapshot: frame.snapshot, last: '' });
    } else if (type === '@xstate.snapshot') {
      const actor = actors.get(sessionId);
      if (actor) actor.snapshot = frame.snapshot;
    }
    draw();
  }

  // ---- the hosted viewer ----
  window.addEventListener('message', (event) => {
    if (!viewer || event.source !== viewer.contentWindow || event.origin !== viewerOrigin) return;
    if (!event.data || event.data.type !== '@statelyai.connected') return;
    isConnected = true;
    at('tabs').hidden = false;
    at('notice').hidden = true;
    show(true);
    // It is told everything from the beginning.
    const before = socket;
    open();
    before.close();
  });
  function show(isViewer) {
    viewer.hidden = !isViewer;
    at('list').hidden = isViewer;
    at('show-viewer').className = isViewer ? 'on' : '';
    at('show-list').className = isViewer ? '' : 'on';
    draw();
  }
  if (viewer) {
    at('show-viewer').addEventListener('click', () => show(true));
    at('show-list').addEventListener('click', () => show(false));
    window.setTimeout(() => {
      if (isConnected) return;
      at('notice').textContent = 'The viewer at ' + viewerOrigin + ' has not answered: here is a plain list instead.';
      at('notice').hidden = false;
    }, PATIENCE_MS);
  }

  // ---- the list ----
  at('filter').addEventListener('input', draw);
  function draw() {
    if (isDrawing) return;
    isDrawing = true;
    window.setTimeout(() => {
      isDrawing = false;
      if (!at('list').hidden) paint();
    }, 100);
  }
  function paint() {
    const wanted = at('filter').value;
    const rows = [];
    let count = 0;
    for (const [sessionId, actor] of actors) {
      const state = stateOf(actor.snapshot);
      if (wanted && !(sessionId + ' ' + state).includes(wanted)) continue;
      if (++count <= MAX_ROWS) rows.push([sessionId, actor, state]);
    }
    rows.sort(([a], [b]) => (a < b ? -1 : 1));
    at('count').textContent = '· ' + count + (count > MAX_ROWS ? ', of which ' + MAX_ROWS + ' are shown' : '');
    at('actors').replaceChildren(...rows.map(([sessionId, actor, state]) => rowOf(sessionId, actor, state)));
    at('events').replaceChildren(...events.slice().reverse().map(lineOf));
    const detail = actors.get(chosen);
    at('detail-title').textContent = detail ? 'Context of ' + chosen : 'Context';
    if (detail) at('detail').textContent = JSON.stringify(contentOf(detail.snapshot), null, 2);
  }
  function rowOf(sessionId, { frame, snapshot, last }, state) {
    const row = element('tr', sessionId === chosen ? 'on' : '');
    row.append(
      element('td', frame.parentId ? 'child' : '', sessionId),
      element('td', snapshot.status, state),
      element('td', '', last),
    );
    row.addEventListener('click', () => { chosen = sessionId; paint(); });
    return row;
  }
  function lineOf({ createdAt, sessionId, sourceId, event }) {
    const line = element('li', '');
    line.append(
      element('time', '', new Date(Number(createdAt)).toLocaleTimeString()),
      element('span', '', ' ' + sessionId + ' ← ' + event.type),
      element('span', 'from', sourceId ? '  sent by ' + sourceId : ''),
    );
    return line;
  }
  function stateOf({ status, value }) {
    const state = value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
    return status === 'active' && state ? state : state ? state + ' · ' + status : status;
  }
  function contentOf({ context, output, error, status, value, tags, children, historyValue, ...rest }) {
    const content = { context, output, error, ...rest };
    return Object.keys(content).every((key) => content[key] === undefined) ? {} : content;
  }
  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  open();
})`;
