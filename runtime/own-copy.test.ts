// The lie: "who has a copy of its own is told nothing new by the one who gave it, and loses nothing of it".
import { describe, expect, it } from 'vitest';
import { ownCopyOf } from './own-copy.ts';

describe('an own copy', () => {
  it('is equal, and shares no part that can be changed', () => {
    const given = { as: 'a', with: { event: { type: 'x', list: [1, { deep: true }] } }, at: new Date(7) };
    const copy = ownCopyOf(given);
    expect(copy).toStrictEqual(given);
    given.with.event.list.push(2);
    (given.with.event.list[1] as { deep: boolean }).deep = false;
    given.at.setTime(8);
    given.as = 'b';
    expect(copy).toStrictEqual({
      as: 'a',
      with: { event: { type: 'x', list: [1, { deep: true }] } },
      at: new Date(7),
    });
  });

  it('asks getters once', () => {
    let asked = 0;
    const copy = ownCopyOf({
      get as(): number {
        return ++asked;
      },
    });
    expect([copy.as, copy.as, asked]).toEqual([1, 1, 1]);
  });

  it.each([
    ['a function', () => 1],
    ['a signal', new AbortController().signal],
    ['an object with a class', new URL('http://here/')],
    ['a text', 'x'],
    ['nothing', undefined],
    ['null', null],
  ])('leaves what cannot be copied as it is: %s', (_, thing) => {
    expect(ownCopyOf(thing)).toBe(thing);
    expect(ownCopyOf({ thing }).thing).toBe(thing);
  });

  it('hides nothing from whoever would refuse it', () => {
    const symbol = Symbol('s');
    const given = Object.defineProperty({ [symbol]: 1, ['__proto__']: 2 }, 'hidden', { value: 3 });
    const copy = ownCopyOf(given);
    expect(Reflect.ownKeys(copy)).toEqual(Reflect.ownKeys(given));
    expect(Object.keys(copy)).toEqual(Object.keys(given));
    const holes = Object.assign(new Array(3), { 0: 1, 2: 3 });
    expect(ownCopyOf(holes)).toStrictEqual(holes);
    expect(Object.keys(ownCopyOf(holes))).toEqual(['0', '2']);
    expect(Object.getPrototypeOf(ownCopyOf(Object.create(null)))).toBe(null);
  });

  it('of what contains itself does so too', () => {
    const given: { self?: unknown; twice: unknown[] } = { twice: [] };
    given.self = given;
    given.twice.push(given.twice);
    const copy = ownCopyOf(given);
    expect(copy.self).toBe(copy);
    expect(copy.twice[0]).toBe(copy.twice);
    expect(copy).not.toBe(given);
  });
});
