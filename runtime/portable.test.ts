// The lie: "anything may be thrown; what is recorded of it can be stored, and says the same". Errors with classes of
// their own, with sockets in their fields, in circles, with broken text; and things that are no errors at all.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Codec } from '../storage/codec.ts';
import { portable } from './portable.ts';

const codec = new Codec();

/** What comes back from the store of something that was thrown. */
function stored(thrown: unknown): unknown {
  return codec.unpack(Buffer.from(codec.pack(portable(codec, thrown), 'error')));
}

class Declined extends TypeError {
  readonly retryAfter = 5;
  readonly socket = { close: () => {} };
  override get name(): string {
    return 'Declined';
  }
}

describe('what can be stored', () => {
  it.each([
    ['an error', new RangeError('x', { cause: 'y' })],
    ['an object', { code: 1 }],
    ['a text', 'no'],
    ['nothing', undefined],
  ])('is left alone: %s', (_, thrown) => {
    expect(portable(codec, thrown)).toBe(thrown);
  });
});

describe('an error of a class of its own', () => {
  it('becomes one of the nearest class that everybody has, with name, message and stack', () => {
    const thrown = new Declined('no funds');
    const back = stored(thrown) as Error;
    expect(Object.getPrototypeOf(back)).toBe(TypeError.prototype);
    expect([back.name, back.message, back.stack]).toEqual(['Declined', 'no funds', thrown.stack]);
    expect(Object.keys(back)).not.toContain('name');
  });

  it('keeps the fields that can be stored, and no others', () => {
    const back = stored(new Declined('x'));
    expect(back).toHaveProperty('retryAfter', 5);
    expect(back).not.toHaveProperty('socket');
    expect(Object.keys(back as object)).toEqual(['retryAfter']);
  });

  it('keeps how long it asks to be left alone, from headers that cannot be stored', () => {
    const answered = (headers: object, more = {}) => Object.assign(new Error('429'), { headers, ...more });
    expect(stored(answered(new Headers({ 'retry-after': '7', 'set-cookie': 'secret' })))).toEqual(
      Object.assign(new Error('429'), { retryAfter: '7' }),
    );
    expect(stored(answered(new Headers({ 'retry-after-ms': '1500' })))).toHaveProperty('retryAfterMs', 1500);
    const response = new Response('', { headers: { 'Retry-After': '9' } });
    expect(stored(new Error('top', { cause: answered({}, { response }) }))).toHaveProperty(
      'cause.retryAfter',
      '9',
    );
    // What it says itself goes before.
    const own = answered(new Headers({ 'retry-after': '7' }), { retryAfter: 3 });
    expect(stored(own)).toHaveProperty('retryAfter', 3);
    // What can be stored is, as it is.
    const plain = answered({ 'retry-after': '7' }, { socket: () => {} });
    expect(stored(plain)).not.toHaveProperty('retryAfter');
    expect(stored(plain)).toHaveProperty(['headers', 'retry-after'], '7');
  });

  it('may have headers that throw', () => {
    const headers = {
      [Symbol.iterator]: () => {
        throw new Error('no');
      },
    };
    expect(stored(Object.assign(new Error('429'), { headers }))).toMatchObject({ message: '429' });
  });

  it('keeps its cause, and the cause of that', () => {
    const root = new Declined('root');
    const back = stored(new Declined('top', { cause: new Error('middle', { cause: root }) })) as Error;
    const middle = back.cause as Error;
    expect(middle.message).toBe('middle');
    expect(middle.cause).toMatchObject({ message: 'root', name: 'Declined', retryAfter: 5 });
    expect(Object.keys(back)).not.toContain('cause');
  });

  it('is not touched itself', () => {
    const thrown = new Declined('x', { cause: new Declined('y') });
    portable(codec, thrown);
    expect(thrown.socket.close).toBeTypeOf('function');
    expect(thrown.cause).toBeInstanceOf(Declined);
  });

  it('may be nested deeper than can be stored', () => {
    let thrown = new Error('innermost');
    for (let depth = 0; depth < 300; depth++) thrown = new Error(`at ${depth}`, { cause: thrown });
    expect(stored(thrown)).toMatchObject({ message: 'at 299' });
  });
});

describe('what is no error', () => {
  it.each([
    ['a function', () => 1, /=>/],
    ['a symbol', Symbol('why'), /Symbol\(why\)/],
    ['an object with a class', new URL('http://here/'), /^http:..here.$/],
    ['a promise', Promise.resolve(), /Promise/],
  ])('is recorded as its text: %s', (_, thrown, text) => {
    expect(stored(thrown)).toMatch(text);
  });

  it('is recorded even if it has no text', () => {
    const mute = Object.assign(Object.create(null) as object, { run: () => {} });
    expect(stored(mute)).toBe('something that cannot be described');
  });
});

describe('anything', () => {
  const fields = fc.dictionary(
    fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => name !== '__proto__'),
    fc.oneof(
      fc.anything({ stringUnit: 'grapheme' }),
      fc.constant(() => {}),
    ),
    { maxKeys: 4 },
  );
  const error = fc.letrec<{ error: Error }>((tie) => ({
    error: fc
      .tuple(
        fc.constantFrom(Error, RangeError, Declined),
        fc.string({ unit: 'grapheme' }),
        fields,
        fc.option(tie('error'), { nil: undefined, maxDepth: 3 }),
      )
      .map(([type, message, own, cause]) => {
        const made = new type(message, { cause });
        const plain = Object.entries(own).filter(([name]) => !(name in made));
        return Object.assign(made, Object.fromEntries(plain));
      }),
  })).error;

  it('that is thrown can be stored, and errors stay recognisable', () => {
    fc.assert(
      fc.property(error, (thrown) => {
        const back = stored(thrown) as Error;
        expect(back).toBeInstanceOf(
          Object.getPrototypeOf(thrown) === RangeError.prototype ? RangeError : Error,
        );
        expect([back.name, back.message, back.stack]).toEqual([thrown.name, thrown.message, thrown.stack]);
        expect((back.cause as Error | undefined)?.message).toBe((thrown.cause as Error | undefined)?.message);
      }),
    );
  });

  it('that is thrown and no error can be stored', () => {
    const thing = fc.anything({ stringUnit: 'grapheme', withNullPrototype: true });
    fc.assert(
      fc.property(thing, (thrown) => {
        expect(() => stored(thrown)).not.toThrow();
      }),
    );
  });

  // `JSON.parse` cuts the text it quotes where it likes.
  it('that says half a character can be stored', () => {
    let thrown: unknown;
    try {
      JSON.parse('😀');
    } catch (error) {
      thrown = error;
    }
    expect((thrown as Error).message.isWellFormed()).toBe(false);
    expect(stored(thrown)).toBeInstanceOf(SyntaxError);
  });

  it('that is half a character can be stored', () => {
    expect(stored('cut \ud83d')).toBeTypeOf('string');
  });

  it('that causes itself can be stored', () => {
    const one = new Error('one');
    one.cause = new Error('other', { cause: one });
    expect(stored(one)).toMatchObject({ message: 'one' });
  });

  it('that aggregates errors keeps them', () => {
    const back = stored(new AggregateError([new Declined('first')], 'all failed')) as AggregateError;
    expect(back.errors).toMatchObject([{ message: 'first' }]);
  });

  it('with a field that throws when it is read can be stored', () => {
    const thrown = new Declined('x');
    const get = (): never => {
      throw new Error('not now');
    };
    Object.defineProperty(thrown, 'response', { get, enumerable: true });
    expect(stored(thrown)).toMatchObject({ message: 'x' });
  });
});
