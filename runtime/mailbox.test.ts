// The lie: "first in, first out". A mailbox beside an array, through random pushes and shifts, beyond the sizes at which
// it tidies up.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mailbox, Message } from './mailbox.ts';
import { isOrder } from './standing.ts';

/** Beyond so many taken messages a mailbox drops them from its front. */
const TIDY = 1024;

let made = 0;
const message = (): Message => new Message({ type: `${made++}` }, Buffer.alloc(0), 1);
const mailboxOf = (messages: readonly Message[]): Mailbox => {
  const mailbox = new Mailbox();
  for (const each of messages) mailbox.push(each);
  return mailbox;
};

describe('a mailbox', () => {
  it('gives what it got, in order, however pushes and shifts are mixed', () => {
    const burst = fc.integer({ min: -900, max: 900 });
    fc.assert(
      fc.property(fc.array(burst, { maxLength: 12 }), (bursts) => {
        const mailbox = new Mailbox();
        const model: Message[] = [];
        const taken: boolean[] = [];
        for (const size of bursts) {
          for (let n = 0; n < size; n++) {
            const pushed = message();
            mailbox.push(pushed);
            model.push(pushed);
          }
          for (let n = 0; n > size; n--) taken.push(mailbox.shift() === model.shift());
          expect(mailbox.size).toBe(model.length);
          const waiting = mailbox.waiting();
          expect(waiting.length).toBe(model.length);
          expect(waiting.findIndex((each, i) => each !== model[i])).toBe(-1);
        }
        expect(taken).not.toContain(false);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps its order when it tidies up in the middle', () => {
    const messages = Array.from({ length: TIDY * 3 }, message);
    const mailbox = mailboxOf(messages);
    for (const [i, expected] of messages.entries()) {
      expect(mailbox.shift() === expected).toBe(true);
      if (i % 500 === 0) expect(mailbox.waiting()[0] === messages[i + 1]).toBe(true);
    }
    expect(mailbox.size).toBe(0);
  });

  it('that is empty gives nothing, and goes on', () => {
    const mailbox = new Mailbox();
    expect([mailbox.shift(), mailbox.size, mailbox.waiting()]).toEqual([undefined, 0, []]);
    const one = message();
    mailbox.push(one);
    expect(mailbox.shift()).toBe(one);
    expect(mailbox.shift()).toBeUndefined();
    const other = message();
    mailbox.push(other);
    expect(mailbox.waiting()).toEqual([other]);
  });

  it('marks what is taken, and shows what waits without taking it', () => {
    const messages = [message(), message()];
    const mailbox = mailboxOf(messages);
    expect(mailbox.waiting()).toEqual(messages);
    expect(mailbox.size).toBe(2);
    expect(messages.map(({ taken }) => taken)).toEqual([false, false]);
    mailbox.shift();
    expect(messages.map(({ taken }) => taken)).toEqual([true, false]);
  });

  it('shows a picture that does not change with it', () => {
    const mailbox = mailboxOf([message()]);
    const waiting = mailbox.waiting();
    mailbox.push(message());
    mailbox.shift();
    expect(waiting).toHaveLength(1);
  });
});

describe('a message', () => {
  it('carries what it was made of, and is new', () => {
    const event = { type: 'X' };
    const packed = Buffer.from('x');
    const birth = { address: 'a/1', path: ['a'] };
    const made = new Message(event, packed, 3, { kind: 'system' }, birth);
    expect(made).toMatchObject({
      event,
      packed,
      life: 3,
      cause: { kind: 'system' },
      birth,
      noted: false,
      taken: false,
    });
    expect(made.reply).toBeUndefined();
  });
});

/** What a mailbox may be asked to do. */
type Act = 'push' | 'birth' | 'halt' | 'up' | 'shift' | 'order' | 'take';
const ACTS: readonly Act[] = ['push', 'birth', 'halt', 'up', 'shift', 'order', 'take'];

describe('a mailbox with orders', () => {
  it('does what a list would do', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...ACTS), { maxLength: 60 }), (acts) => {
        const mailbox = new Mailbox();
        let model: Message[] = [];
        for (const act of acts) {
          if (act === 'push' || act === 'birth') {
            const birth = act === 'birth' ? { address: 'a/1', path: ['a'] } : undefined;
            const pushed = new Message({ type: `${made++}` }, Buffer.alloc(0), 1, undefined, birth);
            mailbox.push(pushed);
            model.push(pushed);
          } else if (act === 'halt' || act === 'up') {
            const ahead = new Message({ type: `heddle.${act}` }, Buffer.alloc(0), 1);
            mailbox.pushAhead(ahead);
            const behind = model.findIndex((other) => !isOrder(other));
            model.splice(behind === -1 ? model.length : behind, 0, ahead);
          } else if (act === 'shift') expect(mailbox.shift()).toBe(model.shift());
          else if (act === 'order') {
            const order = model.find(isOrder);
            model = model.filter((other) => other !== order);
            expect(mailbox.shiftOrder()).toBe(order);
          } else {
            const isEven = ({ event }: Message): boolean => Number(event.type) % 2 === 0;
            expect(mailbox.takeWhere(isEven)).toEqual(model.filter(isEven));
            model = model.filter((other) => !isEven(other));
          }
          expect(mailbox.waiting()).toEqual(model);
          expect(mailbox.size).toBe(model.length);
          expect(mailbox.hasOrders).toBe(model.some(isOrder));
        }
      }),
    );
  });
});
