// The lie: "an actor that is down hears orders, and nothing else".
import { describe, expect, it } from 'vitest';
import { Cell } from './cell.ts';
import { Message } from './mailbox.ts';
import { applyOrder, FAIL, HALT, isOrder, isUrgent, mayRun, UP } from './standing.ts';
import type { Timer } from './timers.ts';

const cell = (): Cell => new Cell(1, 'a/1', { isProcess: false } as Cell['definition'], {} as Cell['ref']);

describe('an event', () => {
  it.each([
    [HALT, true, true],
    [UP, true, true],
    [FAIL, true, true],
    ['xstate.stop', false, true],
    ['heddle.attempt.due', false, false],
    ['hello', false, false],
    ['', false, false],
  ])('%s', (type, urgent, order) => {
    expect(isUrgent({ type })).toBe(urgent);
    expect(isOrder(new Message({ type }, Buffer.alloc(0), 1))).toBe(order);
  });

  it('with which a life begins reaches also one that is down', () => {
    const birth = { address: 'a/1', path: ['a'] };
    expect(isOrder(new Message({ type: 'xstate.init' }, Buffer.alloc(0), 1, undefined, birth))).toBe(true);
  });
});

describe('an order', () => {
  it('changes whether an actor may run, and a crash stays one', () => {
    const one = cell();
    const order = (type: string) => {
      applyOrder(one, { type }, 5);
      return [one.down?.why, mayRun(one)];
    };
    expect(order(HALT)).toEqual(['halted', false]);
    expect(order(UP)).toEqual([undefined, true]);
    one.down = { why: 'crash', at: 1, seq: 1, upAt: 9 };
    expect(order(HALT)).toEqual(['crash', false]);
    expect(one.down.upAt).toBeUndefined();
    expect(order(UP)).toEqual([undefined, true]);
  });

  it.each([HALT, UP])('%s makes an end of a restart of its own that was due', (type) => {
    const one = cell();
    const timer = (of: string): Timer => ({ event: { type: of } }) as Timer;
    one.timers = new Map([
      ['1', timer(UP)],
      ['2', timer('later')],
    ]);
    applyOrder(one, { type }, 5);
    expect([...one.timers.keys()]).toEqual(['2']);
  });

  it('does not help one whose supervisor does not run', () => {
    const one = cell();
    one.held = true;
    applyOrder(one, { type: UP }, 5);
    expect(mayRun(one)).toBe(false);
  });
});
