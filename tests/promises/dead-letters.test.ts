// The lie: "a dead letter is decided about once". It is tried again, given up, by two at once, for actors that are not there any
// more, after the code was changed, and with the system killed after each commit.
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { currentEffect, supervisor } from 'heddle';
import { memory } from 'heddle/storage';
import { DyingSystem } from '../dying-system.ts';
import { collect, isSettled, open, rejection } from './systems.ts';

/** An action is tried three times, this long in all. */
const TRIED_MS = 1200;

let keys: string[] = [];

/** Takes what it could not take, once it is repaired. */
function machine(isBroken: boolean) {
  return setup({
    types: { context: {} as { n: number }, events: {} as { type: 'go' | 'act' | 'end'; by?: number } },
    actions: {
      act: () => {
        keys.push(currentEffect()!.idempotencyKey);
        if (isBroken) throw new Error('no luck');
      },
    },
  }).createMachine({
    id: 'subject',
    context: { n: 0 },
    initial: 'up',
    states: {
      up: {
        on: {
          go: {
            actions: assign({
              n: ({ context, event }) => {
                if (isBroken) throw new Error('broken');
                return context.n + (event.by ?? 1);
              },
            }),
          },
          act: { actions: 'act' },
          end: 'over',
        },
      },
      over: { type: 'final' },
    },
  });
}

async function withLetter(type: 'go' | 'act' = 'go') {
  keys = [];
  const opened = await open({ subject: machine(true) });
  const ref = await opened.system.actor('subject', '1');
  if (type === 'go') await rejection(ref.send({ type: 'go', by: 5 }));
  else {
    await ref.send({ type: 'act' });
    await opened.settle();
    await opened.advance(TRIED_MS);
  }
  const [letter] = await collect(opened.system.deadLetters());
  return { opened, ref, id: letter!.id, letter: letter! };
}

describe('the letters', () => {
  it('are listed oldest first, of all or of one', async () => {
    const opened = await open({ subject: machine(true) });
    for (const id of ['1', '2', '1'])
      await rejection((await opened.system.actor('subject', id)).send({ type: 'go' }));
    const of = async (options?: { address: string }) =>
      (await collect(opened.system.deadLetters(options))).map(({ address }) => address);
    expect(await of()).toEqual(['subject/1', 'subject/2', 'subject/1']);
    expect(await of({ address: 'subject/2' })).toEqual(['subject/2']);
    expect(await of({ address: 'subject/9' })).toEqual([]);
    const ids = (await collect(opened.system.deadLetters())).map(({ id }) => id);
    expect(ids.toSorted((a, b) => a - b)).toEqual(ids);
    const later = await opened.crash();
    expect((await collect(later.system.deadLetters())).map(({ id }) => id)).toEqual(ids);
  });

  it.each([0, -1, 1.5, Number.NaN, 999, '1', undefined])('know no %s', async (id) => {
    const { opened } = await withLetter();
    const letters = opened.system.deadLetters();
    expect(await rejection(letters.retry(id as number))).toMatchObject({ _tag: 'InvalidArgument' });
    expect(await rejection(letters.discard(id as number, { by: 'ada', reason: 'old' }))).toMatchObject({
      _tag: 'InvalidArgument',
    });
    expect(await collect(letters)).toHaveLength(1);
  });
});

describe('a step that is tried again', () => {
  it('succeeds when the code was changed, and the letter is gone for good', async () => {
    const { opened, id } = await withLetter();
    let later = await opened.reopenWith({ subject: machine(false) });
    await later.system.deadLetters().retry(id, { by: 'ada' });
    for (let i = 0; i < 2; i++) {
      expect(later.system.get('subject/1')!.getSnapshot().context.n).toBe(5);
      expect(await collect(later.system.deadLetters())).toEqual([]);
      expect((await collect(later.system.history('subject/1'))).at(-1)).toMatchObject({
        event: { type: 'go', by: 5 },
        cause: { kind: 'dead-letter', id },
      });
      expect((await collect(later.system.history('heddle/system'))).at(-1)).toMatchObject({
        event: { type: 'heddle.dead-letter.retried', letter: id, by: 'ada' },
      });
      expect(await later.system.replay('subject/1')).toMatchObject({ same: true });
      expect(await rejection(later.system.deadLetters().retry(id))).toMatchObject({
        _tag: 'InvalidArgument',
      });
      later = await later.crash();
    }
  });

  it('and fails again stays, and says how often', async () => {
    const { opened, id, letter } = await withLetter();
    for (let retries = 1; retries <= 2; retries++) {
      expect(await rejection(opened.system.deadLetters().retry(id))).toMatchObject({ _tag: 'StepFailed' });
      expect(await collect(opened.system.deadLetters())).toMatchObject([
        { id, at: letter.at, event: letter.event, retries },
      ]);
    }
    const later = await opened.crash();
    expect(await collect(later.system.deadLetters())).toMatchObject([{ id, retries: 2 }]);
  });

  it('by two at once is applied once', async () => {
    const { opened, id } = await withLetter();
    const later = await opened.reopenWith({ subject: machine(false) });
    const letters = later.system.deadLetters();
    const both = await Promise.allSettled([letters.retry(id), later.system.deadLetters().retry(id)]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(later.system.get('subject/1')!.getSnapshot().context.n).toBe(5);
    expect(await collect(letters)).toEqual([]);
  });

  it('while another gives it up is either applied or given up', async () => {
    const { opened, id } = await withLetter();
    const later = await opened.reopenWith({ subject: machine(false) });
    const letters = later.system.deadLetters();
    const both = await Promise.allSettled([
      letters.discard(id, { by: 'ada', reason: 'no need' }),
      letters.retry(id),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(later.system.get('subject/1')!.getSnapshot().context.n).toBe(0);
  });

  it('is applied or there, never both and never twice, whenever the system dies', async () => {
    for (let at = 1; ; at++) {
      let broken = true;
      const subject = setup({ types: { context: {} as { n: number } } }).createMachine({
        context: { n: 0 },
        on: {
          go: {
            actions: assign({
              n: ({ context }) => {
                if (broken) throw new Error('broken');
                return context.n + 1;
              },
            }),
          },
        },
      });
      let commits = 0;
      let isArmed = false;
      const world = new DyingSystem({
        store: memory(),
        actors: { subject },
        maxTurnsPerCommit: 1,
        dies: () => isArmed && ++commits === at,
      });
      await world.open();
      await world.start('subject', '1');
      await world.post('subject/1', { type: 'go' });
      const [letter] = await collect(world.system.deadLetters());
      broken = false;
      isArmed = true;
      void world.system
        .deadLetters()
        .retry(letter!.id, { by: 'ada' })
        .catch(() => {});
      await world.settle();
      const { context } = world.system.get('subject/1')!.getSnapshot() as { context: { n: number } };
      const left = await collect(world.system.deadLetters());
      expect(context.n + left.length).toBe(1);
      const isOver = world.deaths === 0;
      await world.system.close();
      if (isOver) break;
      expect(at).toBeLessThan(10);
    }
  });
});

describe('an action that is tried again', () => {
  it('is done under the same key, and the letter is gone', async () => {
    const { opened, id, letter } = await withLetter('act');
    expect(keys).toEqual(['subject/1@2:0', 'subject/1@2:0', 'subject/1@2:0']);
    expect(letter).toMatchObject({ reason: 'action', action: 'act', idempotencyKey: 'subject/1@2:0' });
    expect(await rejection(opened.system.deadLetters().retry(id))).toMatchObject({ message: 'no luck' });
    expect(await collect(opened.system.deadLetters())).toHaveLength(1);
    keys = [];
    const later = await opened.reopenWith({ subject: machine(false) });
    await later.system.deadLetters().retry(id);
    expect(keys).toEqual(['subject/1@2:0']);
    const last = await later.crash();
    await last.settle();
    expect(await collect(last.system.deadLetters())).toEqual([]);
    expect(keys).toEqual(['subject/1@2:0']);
  });
});

describe('a letter that is given up', () => {
  it('moves into the history of the system, with who did it and why', async () => {
    const { opened, id, letter } = await withLetter();
    await opened.system.deadLetters().discard(id, { by: 'ada', reason: 'sent by mistake' });
    const later = await opened.crash();
    expect(await collect(later.system.deadLetters())).toEqual([]);
    expect((await collect(later.system.history('heddle/system'))).at(-1)).toMatchObject({
      event: {
        type: 'heddle.dead-letter.discarded',
        by: 'ada',
        reason: 'sent by mistake',
        letter: { id, address: letter.address, event: letter.event },
      },
    });
    expect(await later.system.replay('heddle/system')).toMatchObject({ same: true });
  });

  it.each([
    undefined,
    {},
    { by: 'ada' },
    { by: '', reason: 'x' },
    { by: 'ada', reason: ' ' },
    { by: 1, reason: 'x' },
  ])('by nobody or for nothing, %j, stays', async (decision) => {
    const { opened, id } = await withLetter();
    expect(await rejection(opened.system.deadLetters().discard(id, decision as never))).toMatchObject({
      _tag: 'InvalidArgument',
    });
    expect(await collect(opened.system.deadLetters())).toHaveLength(1);
  });
});

describe('a letter for an actor', () => {
  it('that has ended is refused, and can be given up', async () => {
    const { opened, id, ref } = await withLetter();
    await ref.send({ type: 'end' });
    expect(await rejection(opened.system.deadLetters().retry(id))).toMatchObject({ _tag: 'ActorEnded' });
    await opened.system.deadLetters().discard(id, { by: 'ada', reason: 'over' });
    expect(await collect(opened.system.deadLetters())).toEqual([]);
  });

  it('that is refused says so', async () => {
    const { opened, id, ref } = await withLetter();
    await ref.send({ type: 'act' });
    const other = setup({}).createMachine({ initial: 'elsewhere', states: { elsewhere: {} } });
    const later = await opened.reopenWith({ subject: other });
    expect(await rejection(later.system.deadLetters().retry(id))).toMatchObject({ _tag: 'StoryChanged' });
    expect(await collect(later.system.deadLetters())).toHaveLength(1);
  });

  it('that is down and will not come up is refused at once, and later if it goes down meanwhile', async () => {
    const opened = await open(
      { subject: machine(true) },
      { supervise: supervisor({ id: 's', children: [{ id: '1', start: 'subject' }] }) },
    );
    await opened.settle();
    await rejection(opened.system.get('subject/1')!.send({ type: 'go' }));
    const [letter] = await collect(opened.system.deadLetters());
    await opened.system.supervisor('s').terminateChild('1');
    const retried = rejection(opened.system.deadLetters().retry(letter!.id));
    expect(await isSettled(retried)).toBe(true);
    expect(await retried).toMatchObject({ _tag: 'ActorDown' });
    expect(await collect(opened.system.deadLetters())).toHaveLength(1);
  });
});
