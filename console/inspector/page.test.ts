// The lie: "frames go to the hosted viewer and to nobody else, and what comes from the system is only text". The script of the page
// in a browser of cardboard, with the receiver that Stately publishes as the hosted viewer.
import { createContext, runInContext } from 'node:vm';
import { createBrowserReceiver } from '@statelyai/inspect';
import { expect, it } from 'vitest';
import { page } from './page.ts';
import { SCRIPT } from './page-script.ts';

const VIEWER = 'https://viewer.example';

/** As much of an element as the page uses. */
class Element {
  hidden = false;
  className = '';
  value = '';
  children: (Element | string)[] = [];
  readonly name: string;
  contentWindow: object | undefined;
  readonly #listeners = new Map<string, () => void>();
  #text = '';

  constructor(name: string) {
    this.name = name;
  }

  set textContent(text: string) {
    this.#text = text;
    this.children = [];
  }

  get textContent(): string {
    return (
      this.#text +
      this.children.map((child) => (typeof child === 'string' ? child : child.textContent)).join('')
    );
  }

  set innerHTML(_: string) {
    throw new Error('markup from the system');
  }

  append(...children: Element[]): void {
    this.children.push(...children);
  }

  replaceChildren(...children: Element[]): void {
    this.children = children;
  }

  addEventListener(type: string, listener: () => void): void {
    this.#listeners.set(type, listener);
  }

  fire(type: string): void {
    this.#listeners.get(type)!();
  }
}

interface Posted {
  readonly data: unknown;
  readonly origin: string;
}

/** A page, its sockets, and a frame in it. */
function browse() {
  const elements = new Map<string, Element>();
  const timers: (() => void)[] = [];
  const sockets: {
    url: string;
    isOpen: boolean;
    onmessage?: (event: object) => void;
    onclose?: (event: object) => void;
    close(): void;
  }[] = [];
  const posted: { frame: unknown; target: string }[] = [];
  const heard: ((event: object) => void)[] = [];
  const inFrame = new EventTarget();
  /** The window in the frame: as the receiver of Stately takes it. */
  const frameWindow = {
    postMessage: (frame: unknown, target: string) => {
      posted.push({ frame, target });
      inFrame.dispatchEvent(Object.assign(new Event('message'), { data: frame }));
    },
    addEventListener: inFrame.addEventListener.bind(inFrame),
    self: 'the frame',
    top: 'the page',
    parent: { postMessage: (data: unknown) => say({ data, origin: VIEWER }) },
  };
  const say = ({ data, origin }: Posted, source: object = frameWindow): void => {
    for (const hear of heard) hear({ data, origin, source });
  };
  const document = {
    getElementById: (id: string) => {
      if (!elements.has(id)) elements.set(id, new Element(id));
      return elements.get(id);
    },
    createElement: (name: string) => new Element(name),
  };
  document.getElementById('viewer')!.contentWindow = frameWindow;
  class Socket {
    readonly url: string;
    isOpen = true;
    constructor(url: string) {
      this.url = url;
      sockets.push(this);
    }
    close(): void {
      this.isOpen = false;
    }
  }
  const window = {
    addEventListener: (_: string, listener: (event: object) => void) => heard.push(listener),
    setTimeout: (callback: () => void) => timers.push(callback),
  };
  const location = { host: '127.0.0.1:1', search: '?token=secret' };
  const browser = { window, document, WebSocket: Socket, location, viewerOrigin: VIEWER };
  (runInContext(SCRIPT, createContext({})) as (browser: object) => void)(browser);
  return {
    sockets,
    posted,
    say,
    frameWindow,
    at: (id: string) => elements.get(id)!,
    receive: (frame: object) => sockets.at(-1)!.onmessage!({ data: JSON.stringify(frame) }),
    passTime: () => timers.splice(0).forEach((callback) => callback()),
  };
}

const EVIL = '<img src=x onerror=alert(1)>';
const ACTOR = {
  type: '@xstate.actor',
  _version: '0.7.2',
  sessionId: `order/${EVIL}`,
  snapshot: { status: 'active', value: { paying: 'card' }, context: { name: EVIL } },
};
const EVENT = { ...ACTOR, type: '@xstate.event', createdAt: '0', event: { type: EVIL } };
const SNAPSHOT = {
  ...ACTOR,
  type: '@xstate.snapshot',
  snapshot: { status: 'done', value: 'paid', context: {} },
};

it('shows a plain list, as text, when no viewer answers, and says so', () => {
  const { at, receive, passTime, sockets } = browse();
  expect(sockets.map(({ url }) => url)).toEqual(['ws://127.0.0.1:1/?token=secret']);
  receive(ACTOR);
  receive(EVENT);
  passTime();
  expect(at('notice')).toMatchObject({ hidden: false, textContent: expect.stringContaining(VIEWER) });
  expect(at('actors').textContent).toBe(`order/${EVIL}{"paying":"card"}${EVIL}`);
  expect(at('events').textContent).toContain(EVIL);
  (at('actors').children[0] as Element).fire('click');
  expect(JSON.parse(at('detail').textContent)).toEqual({ context: { name: EVIL } });
  receive(SNAPSHOT);
  passTime();
  expect(at('actors').textContent).toContain('paid · done');
  at('filter').value = 'nobody';
  at('filter').fire('input');
  passTime();
  expect(at('actors').textContent).toBe('');
});

it('hands over everything from the beginning when the viewer says that it is there', () => {
  const { at, receive, frameWindow, sockets, posted } = browse();
  receive(ACTOR);
  expect(posted).toEqual([]);
  const seen: unknown[] = [];
  // Its handshake is part of its making.
  createBrowserReceiver({ window: frameWindow as never }).subscribe((frame) => void seen.push(frame));
  expect(sockets.map(({ isOpen }) => isOpen)).toEqual([false, true]);
  expect([at('viewer').hidden, at('list').hidden, at('tabs').hidden]).toEqual([false, true, false]);
  for (const frame of [ACTOR, EVENT, SNAPSHOT]) receive(frame);
  expect(seen).toEqual([ACTOR, EVENT, SNAPSHOT]);
  expect(posted.map(({ target }) => target)).toEqual([VIEWER, VIEWER, VIEWER]);
  at('show-list').fire('click');
  expect([at('viewer').hidden, at('list').hidden]).toEqual([true, false]);
});

it('hands over nothing to anybody else', () => {
  const { receive, say, posted, sockets } = browse();
  const data = { type: '@statelyai.connected' };
  say({ data, origin: 'https://elsewhere.example' });
  say({ data, origin: VIEWER }, {});
  say({ data: { type: 'something else' }, origin: VIEWER });
  say({ data: null, origin: VIEWER });
  receive(ACTOR);
  expect(posted).toEqual([]);
  expect(sockets).toHaveLength(1);
});

it('comes back when the system does', () => {
  const { sockets, passTime, at } = browse();
  sockets[0]!.onclose!({ code: 1001, reason: 'the inspector was closed' });
  expect(at('link').textContent).toContain('the inspector was closed');
  passTime();
  expect(sockets).toHaveLength(2);
});

it('cannot be left by what stands in the address of the viewer', () => {
  const text = page({ nonce: 'n', viewer: new URL(`https://viewer.example/"><script>alert(1)</script>`) });
  expect(text.match(/<script/g)).toHaveLength(1);
  expect(text).toContain('referrerpolicy="no-referrer"');
});
