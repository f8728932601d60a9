// The lie: "what is heard twice, late, or of an earlier run does no harm". Decisions that OTP never has to make, because nothing
// of it survives a crash; what it does make is compared in tests/otp.
import { describe, expect, it } from 'vitest';
import type { ChildDeclaration, SupervisorDeclaration } from './declaration.ts';
import { initialState, supervise } from './supervisor.ts';
import type { Order, SupervisorEvent, SupervisorState } from './words.ts';

const child = (id: string): ChildDeclaration => ({
  id,
  start: 'worker',
  restart: 'permanent',
  from: 'journal',
  shutdownMs: 5000,
  significant: false,
});

const declaration: SupervisorDeclaration = {
  id: 's',
  strategy: 'one-for-all',
  intensity: 3,
  periodMs: 5000,
  autoShutdown: 'never',
  children: [child('a'), child('b')],
};

class Played {
  state: SupervisorState = initialState(declaration);
  nowMs = 1000;
  delayMs = 0;

  /** What it orders its children. */
  hear(...events: SupervisorEvent[]): string {
    const orders = events.flatMap((event): readonly Order[] => {
      const { nowMs, delayMs } = this;
      const decided = supervise(this.state, event, { nowMs, delayMs: () => delayMs });
      this.state = decided.state;
      return decided.orders;
    });
    return orders
      .map((order) => (order.to === 'child' ? `${order.event.type.slice(7)} ${order.id}` : order.to))
      .join(', ');
  }

  get phases(): string {
    return this.state.children.map(({ declaration: { id }, phase }) => `${id} ${phase}`).join(', ');
  }
}

function running(): Played {
  const played = new Played();
  played.hear({ type: 'heddle.up' }, { type: 'heddle.started', id: 'a' });
  played.hear({ type: 'heddle.started', id: 'b' });
  expect(played.phases).toBe('a running, b running');
  return played;
}

const exit = (id: string): SupervisorEvent => ({ type: 'heddle.exit', id, reason: 'crash' });
/** @param given how many orders it had given when the system was opened */
const resume = (given: number): SupervisorEvent => ({ type: 'heddle.resume', given });

describe('after a crash of the system', () => {
  it('the order that was under way is given again', () => {
    const played = new Played();
    expect(played.hear({ type: 'heddle.up' })).toBe('up a');
    expect(played.hear(resume(1))).toBe('up a');
  });

  it('an order that was given since is not', () => {
    const played = new Played();
    played.hear({ type: 'heddle.up' });
    expect(played.hear({ type: 'heddle.started', id: 'a' })).toBe('up b');
    expect(played.hear(resume(1))).toBe('');
  });

  it('an order that is answered twice is answered once', () => {
    const played = new Played();
    played.hear({ type: 'heddle.up' }, { type: 'heddle.started', id: 'a' });
    expect(played.hear({ type: 'heddle.started', id: 'a' })).toBe('');
    expect(played.phases).toBe('a running, b starting');
  });

  it('nothing is to be done where nothing is under way', () => {
    expect(running().hear(resume(2))).toBe('');
  });
});

describe('the order to start', () => {
  it('that was carried out, and failed, is not carried out again when it is repeated', () => {
    const played = new Played();
    expect(played.hear({ type: 'heddle.up', order: 7 })).toBe('up a');
    played.hear({ type: 'heddle.start-failed', id: 'a', error: 'no' });
    expect(played.hear({ type: 'heddle.up', order: 7 })).toBe('');
    expect(played.hear({ type: 'heddle.up', order: 8 })).toBe('up a');
  });

  it('that is said again while it starts does not start it again after it gave up', () => {
    const played = new Played();
    played.hear({ type: 'heddle.up' }, { type: 'heddle.up' });
    const ended = played.hear({ type: 'heddle.start-failed', id: 'a', error: undefined });
    expect(ended).toBe('parent');
    expect(played.state.phase).toBe('down');
  });

  it('while it runs is answered', () => {
    expect(running().hear({ type: 'heddle.up' })).toBe('parent');
  });
});

describe('the end of a child', () => {
  it('that is heard after it was halted is not that of its next run', () => {
    const played = running();
    expect(played.hear(exit('a'))).toBe('halt b');
    // It has failed in what was under way when it was halted.
    expect(played.hear({ type: 'heddle.halted', id: 'b' }, exit('b'))).toBe('up a');
    played.hear({ type: 'heddle.started', id: 'a' }, { type: 'heddle.started', id: 'b' });
    expect(played.phases).toBe('a running, b running');
    expect(played.state.restarts).toBe(1);
  });

  it('that is heard while another is restarted is dealt with by that', () => {
    const played = running();
    expect(played.hear(exit('a'), exit('b'))).toBe('halt b');
    played.hear({ type: 'heddle.halted', id: 'b' }, { type: 'heddle.started', id: 'a' });
    played.hear({ type: 'heddle.started', id: 'b' });
    expect(played.state.restarts).toBe(1);
  });
});

describe('a restart that waits', () => {
  it('is not made early by what was said to one before', () => {
    const played = running();
    played.delayMs = 1000;
    const again: SupervisorEvent = { type: 'heddle.again', id: 'a', isCounted: true };
    played.hear(exit('a'));
    played.nowMs = 1500;
    // The failure of the other starts both, and then it fails once more.
    played.delayMs = 0;
    played.hear(exit('b'), { type: 'heddle.started', id: 'a' }, { type: 'heddle.started', id: 'b' });
    played.delayMs = 1000;
    played.hear(exit('a'));
    played.nowMs = 2000;
    expect(played.hear(again)).toBe('');
    expect(played.phases).toBe('a restarting, b running');
    played.nowMs = 2500;
    expect(played.hear(again)).toBe('halt b');
  });
});
