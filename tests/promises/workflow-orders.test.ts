// The lie: "what is said to a run reaches whoever it is for, or comes back to whoever has said it". Orders to nodes that are not there,
// and decisions that nobody stands for, at a run and at a run within it; and nodes with names that every object has.
import { branch, call, extend, gate, join, loop, map, strategies, task, workflow } from 'heddle/actors';
import { durable } from 'heddle';
import { describe, expect, it } from 'vitest';
import { fromCallback, sendTo, setup } from 'xstate';
import { everybodyMay } from './staffed.ts';
import { doing, World } from './staffed-world.ts';
import { collect, open, rejection, ticks } from './systems.ts';

const echo = doing('echo', ({ input }) => input);
const asks = gate({ role: 'boss', input: () => ({}) });
const inner = workflow({ id: 'inner', tasks: { g: asks } });
const top = workflow({
  id: 'top',
  tasks: {
    c: call({ workflow: inner, input: () => ({}) }),
    m: map({ over: () => [{}], each: inner }),
    l: loop({ body: inner, until: () => true, times: 2, input: () => ({}) }),
    t: task({ needs: ['c'], agent: 'echo', compensate: { agent: 'echo' } }),
    j: join({ needs: ['c', 'm', 'l'] }),
  },
});

const PARKING = extend(strategies.standard, { name: 'parking', rows: { crash: [{ do: 'park' }] } });

const RESUME = { type: 'task.resume', by: 'ada' };

const opened = async (): Promise<World> => {
  const world = await World.open({ actors: { top, echo }, decider: everybodyMay });
  await world.start('top', '1');
  return world;
};

describe('what is said to a run', () => {
  it.each([
    [{ type: 'run.abort' }, 'event.by'],
    [{ type: 'run.abort', by: 'ada', reason: ' ' }, 'event.reason'],
    [{ type: 'run.abort', by: 7, reason: 'enough' }, 'event.by'],
    [{ type: 'task.resume', task: 't' }, 'event.by'],
    [{ type: 'task.abandon', task: 't', by: 'ada' }, 'event.reason'],
    [RESUME, 'event.task'],
    [{ ...RESUME, task: 'typo' }, "names 'typo', which is no node of top: there is c, m, l, t, j"],
    [{ ...RESUME, task: 'toString' }, "names 'toString', which is no node of top"],
    [{ ...RESUME, task: 'undo typo' }, "names 'undo typo', which is no node of top"],
    [{ ...RESUME, task: 'c/typo' }, "names 'typo', which is no node of inner: there is g"],
    [{ ...RESUME, task: 'm/0/typo' }, "names 'typo', which is no node of inner"],
    [{ ...RESUME, task: 'm/first' }, "what is done within 'm' is named by its number: m/3"],
    [{ ...RESUME, task: 't/typo' }, "names 'typo' within 't', in which there is nothing that has a name"],
    [
      { type: 'task.abandon', task: 't/poll/1', by: 'ada', reason: 'enough' },
      "names 'poll/1' within 't', which is only to confirm it: give up 't' itself",
    ],
    [
      { type: 'task.abandon', task: 'c/g/poll/1', by: 'ada', reason: 'enough' },
      "which is only to confirm it: give up 'g' itself",
    ],
    [
      { ...RESUME, task: 't/poll/1', input: {} },
      "names 'poll/1' within 't', which is only to confirm it: give 't' itself another input",
    ],
    [{ ...RESUME, task: 'c/g/0' }, "names '0' within 'g', in which there is nothing that has a name"],
    [{ ...RESUME, task: 'j' }, "names 'j', a join, on which nobody works"],
    [{ ...RESUME, task: 'm' }, "names 'm', a list: name what is done in it by its number, m/3"],
    [{ ...RESUME, task: 'm/0' }, "names 'm/0', a run of its own: name the task in it that is meant, m/0/g"],
    [{ ...RESUME, task: 'c' }, "names 'c', a run of its own: name the task in it that is meant, c/g"],
    [{ ...RESUME, task: 'l' }, "names 'l', a run of its own"],
    [{ ...RESUME, task: 'l/1' }, "names 'l/1', a run of its own"],
    [{ ...RESUME, task: 'c/g' }, "names 'g', a gate, about which people decide: system.reviews.decide"],
    [{ ...RESUME, task: 'm/0/g' }, "names 'g', a gate"],
    [{ ...RESUME, task: 'l/1/g' }, "names 'g', a gate"],
  ])('is refused: %j', async (event, words) => {
    const world = await opened();
    const before = await world.history('top/1');
    const error = await rejection(world.system.get('top/1')!.send(event));
    expect(error).toMatchObject({ _tag: 'InvalidArgument' });
    expect(error.message).toContain(words);
    expect(await world.history('top/1')).toEqual(before);
    expect(world.snapshot('top/1').status).toBe('active');
    expect(await collect(world.system.refusals())).toMatchObject([{ address: 'top/1', event: event.type }]);
  });

  it('is refused by a run within it, too', async () => {
    const world = await opened();
    for (const address of ['top/1/c', 'top/1/m/0', 'top/1/l/1'])
      expect((await rejection(world.system.get(address)!.send({ type: 'run.abort' }))).message).toContain(
        'event.by',
      );
  });

  it('is refused by its nodes themselves, too', async () => {
    const world = await opened();
    await world.system.reviews.decide('top/1/c/g', { by: 'ada', verdict: 'approve' });
    await world.until(() => world.system.get('top/1/t') !== undefined);
    for (const task of ['m', 'l', 't']) {
      const said = world.system.get(`top/1/${task}`)!.send({ type: 'task.resume', task });
      expect((await rejection(said)).message).toContain('event.by');
    }
  });

  it.each([
    { type: 'task.cancel', because: 'enough' },
    { type: 'task.stands', task: 'c', standing: 'parked' },
    { type: 'budget.reserved', ticket: 'c#1', accounts: [] },
  ])(
    'is refused where only those within it say it to each other, for whom nobody stands: %j',
    async (said) => {
      const world = await opened();
      await world.system.reviews.decide('top/1/c/g', { by: 'ada', verdict: 'approve' });
      await world.until(() => world.system.get('top/1/t') !== undefined);
      await world.settle();
      const before = await world.system.runs.status('top/1');
      for (const address of ['top/1', 'top/1/m', 'top/1/m/0', 'top/1/l', 'top/1/l/1', 'top/1/t'])
        expect(await rejection(world.system.get(address)!.send(said as never))).toMatchObject({
          path: 'event.type',
          message: expect.stringMatching(/say run\.abort to end the run|use the account that is to answer/),
        });
      await world.settle();
      expect(await world.system.runs.status('top/1')).toEqual(before);
    },
  );

  it('is refused by those who undo it, too', async () => {
    const PERMIT = { effect: 'permit', determining: ['rule'], reasons: [], obligations: [] } as const;
    const decider = {
      hash: 'gated',
      decide: ({ resource }: { readonly resource: { readonly id: string } }) =>
        resource.id === 'refund' ? { ...PERMIT, obligations: [{ type: 'gate', role: 'boss' }] } : PERMIT,
    };
    const refund = doing('refund', () => ({}));
    const pay = task({ agent: 'echo', compensate: { agent: 'refund' } });
    const paid = workflow({ id: 'paid', tasks: { pay } });
    const onError = 'compensate';
    const flow = workflow({
      id: 'flow',
      tasks: {
        c: call({ workflow: paid, input: () => ({}) }),
        m: map({ needs: ['c'], over: () => [{}], each: paid }),
        l: loop({ needs: ['m'], body: paid, until: () => true, times: 2, input: () => ({}) }),
        t: task({ needs: ['l'], agent: 'nobody', onError }),
      },
    });
    const nobody = doing('nobody', () => {
      throw new Error('no');
    });
    const world = await World.open({ actors: { flow, paid, echo, refund, nobody }, decider });
    await world.start('flow', '1');
    await world.advance(3_600_000);
    for (const [node, part] of [
      ['l', '1/'],
      ['m', '0/'],
      ['c', ''],
    ] as const) {
      const undoing = `flow/1/undo ${node}`;
      const clearance = `${undoing}/${part}undo pay/clearance`;
      await world.until(() => world.system.get(clearance) !== undefined);
      for (const address of [undoing, `${undoing}/${part}undo pay`]) {
        const said = world.system.get(address)!.send({ type: 'task.resume' });
        expect((await rejection(said)).message).toContain('event.');
      }
      await world.system.reviews.decide(clearance, { by: 'ada', verdict: 'approve' });
    }
    await world.until(() => world.snapshot('flow/1').status !== 'active');
  });

  it('is refused where a user says that somebody else has decided it, also in a fork', async () => {
    const world = await opened();
    const adas = world.system.as({ type: 'user', id: 'ada' });
    const abort = { type: 'run.abort', by: 'bob', reason: 'enough' };
    const resume = { ...RESUME, by: 'bob', task: 'm' };
    for (const said of [
      adas.get('top/1')!.send(abort),
      adas.get('top/1')!.send(resume),
      adas.get('top/1/m')!.send(resume),
      adas.fork('top/1', { as: 'top/2', with: { event: abort } }),
    ])
      expect((await rejection(said)).message).toContain('must be ada, on whose behalf it is said');
    expect(world.system.get('top/2')).toBeUndefined();
    const own = { ...abort, by: 'ada' };
    await adas.get('top/1')!.send(own);
  });

  it('does not reach another time of a loop than it names', async () => {
    let asked = 0;
    const work = doing('work', () => {
      if (++asked >= 12) throw new Error('no');
      return {};
    });
    const flow = workflow({
      ...{ id: 'flow', strategy: PARKING },
      tasks: { l: loop({ body: task({ agent: 'work' }), until: () => false, times: 20, input: () => ({}) }) },
    });
    const world = await World.open({ actors: { flow, work }, decider: everybodyMay });
    await world.start('flow', '1');
    expect([asked, world.snapshot('flow/1/l/12').value]).toEqual([12, 'parked']);
    const other = await rejection(world.system.get('flow/1')!.send({ ...RESUME, task: 'l/2' } as never));
    expect(other.message).toContain("'l' is at its time 12; who waits for one: l/12");
    await world.tell('flow/1', { ...RESUME, task: 'l/12' });
    await world.tell('flow/1', { ...RESUME, task: 'l' });
    expect(asked).toBe(14);
  });

  describe('is refused by those within it where they would not hear it', () => {
    const crash = (): never => {
      throw new Error('no');
    };
    const failing = task({ agent: 'broken' });
    const run = workflow({ id: 'run', strategy: PARKING, tasks: { t: failing } });
    const flow = workflow({
      ...{ id: 'flow', strategy: PARKING },
      tasks: {
        t: failing,
        m: map({ over: () => [{}], each: failing }),
        l: loop({ body: failing, until: () => true, times: 2, input: () => ({}) }),
        c: call({ workflow: run, input: () => ({}) }),
        r: map({ over: () => [{}], each: run }),
      },
    });

    it.each([
      ['t', ['typo', 't/0', 'T'], ['t']],
      ['m', ['typo', '0', 'm/first', 'm/0/typo', 'm'], ['m/0']],
      ['m/0', ['typo', 'm', 'm/0/1'], ['0', 'm/0']],
      ['l', ['typo', '1', 'l/first'], ['l', 'l/1']],
      ['l/1', ['typo', 'l'], ['1', 'l/1']],
      ['c', ['typo', 't', 'c/typo', 'c'], ['c/t']],
      ['c/t', ['c/t', 'c'], ['t']],
      ['r/0', ['typo', 't', '0/typo', '0'], ['0/t']],
    ])('by %s: %j, and not %j', async (node, unheard, heard) => {
      let asked = 0;
      const broken = doing('broken', () => (asked++, crash()));
      const world = await World.open({ actors: { flow, run, broken }, decider: everybodyMay });
      await world.start('flow', '1');
      expect(asked).toBe(5);
      for (const named of unheard) {
        const said = world.system.get(`flow/1/${node}`)!.send({ ...RESUME, task: named });
        expect(await rejection(said)).toMatchObject({ _tag: 'InvalidArgument', path: 'event.task' });
      }
      for (const named of heard) {
        const before = asked;
        await world.tell(`flow/1/${node}`, { ...RESUME, task: named });
        expect([named, asked - before]).toEqual([named, 1]);
      }
    });

    it('says what they would hear', async () => {
      const broken = doing('broken', crash);
      const world = await World.open({ actors: { flow, run, broken }, decider: everybodyMay });
      await world.start('flow', '1');
      const wordsOf = async (node: string): Promise<string> =>
        (await rejection(world.system.get(`flow/1/${node}`)!.send({ ...RESUME, task: 'typo' }))).message;
      expect(await wordsOf('c')).toContain("it must begin with 'c', or be said to the run");
      expect(await wordsOf('m/0')).toContain("its number within 'm', the last part of its address");
    });
  });

  describe('is refused where nobody waits for it', () => {
    const crash = (): never => {
      throw new Error('no');
    };
    /** Does the first, and fails at all others. */
    const each = task({ agent: 'picky', compensate: { agent: 'picky' } });
    const run = workflow({ id: 'run', strategy: PARKING, tasks: { t: task({ agent: 'broken' }) } });
    const PEOPLE = extend(PARKING, { name: 'people', rows: { crash: [{ do: 'review', role: 'boss' }] } });
    const flow = workflow({
      ...{ id: 'flow', strategy: PARKING },
      tasks: {
        m: map({ over: () => [{ n: 0 }, { n: 1 }, { n: 2 }], each, concurrency: 1 }),
        none: map({ over: () => [], each }),
        busy: task({ agent: 'busy' }),
        asked: task({ agent: 'broken', strategy: PEOPLE }),
        done: task({ agent: 'echo', compensate: { agent: 'broken' } }),
        late: task({ needs: ['busy'], agent: 'echo' }),
        c: call({ workflow: run, input: () => ({}) }),
        l: loop({ body: task({ agent: 'broken' }), until: () => true, times: 2, input: () => ({}) }),
      },
    });
    const picky = doing('picky', ({ input }) => (input['n'] === 0 ? {} : crash()));
    const broken = doing('broken', crash);
    const busy = doing('busy', () => new Promise(() => {}));
    const worldOf = async (): Promise<World> => {
      const world = await World.open({
        actors: { flow, run, picky, broken, busy, echo },
        decider: everybodyMay,
      });
      await world.start('flow', '1');
      return world;
    };
    const refusalOf = (world: World, task: string, address = 'flow/1') =>
      rejection(world.system.get(address)!.send({ ...RESUME, task } as never));

    it.each([
      ['m/9', "'m' has 3 items, from m/0 to m/2; who waits for one: "],
      ['m/0', 'that item has ended; who'],
      ['m/2', 'that item was not begun yet; who'],
      ['none/0', "'none' is complete; who"],
      ['busy', "'busy' is at work (asking), and does not stand still; who"],
      ['asked', "'asked' waits for people (reviewing): system.reviews.decide; who"],
      ['done', "'done' is complete; who"],
      ['undo done', "'done' is complete; who"],
      ['late', "'late' is pending; who"],
      ['late/poll/1', "'late' is pending; who"],
      ['m/1/poll/1', "nobody is at work on 'm/1/poll'; who"],
      ['l/2', "'l' is at its time 1; who"],
    ])('at a run: %s', async (task, words) => {
      const world = await worldOf();
      const before = await world.history('flow/1');
      const error = await refusalOf(world, task);
      expect(error).toMatchObject({ _tag: 'InvalidArgument', path: 'event.task' });
      expect(error.message).toContain(`names '${task}', where nobody waits for task.resume: ${words}`);
      expect(error.message).toMatch(/who waits for one: m\/1, c\/t, l\/1$/);
      expect(await world.history('flow/1')).toEqual(before);
      expect(await collect(world.system.refusals())).toMatchObject([
        { address: 'flow/1', event: RESUME.type },
      ]);
    });

    it('at those within it', async () => {
      const world = await worldOf();
      expect((await refusalOf(world, 'm/9', 'flow/1/m')).message).toMatch(/who waits for one: m\/1$/);
      expect((await refusalOf(world, 'l/2', 'flow/1/l')).message).toMatch(/who waits for one: l\/1$/);
      expect((await refusalOf(world, 'busy', 'flow/1/busy')).message).toMatch(/nobody here waits for one$/);
    });

    it('after a crash, and after it has gone on; said again under its id it was said once', async () => {
      const world = await worldOf();
      await world.crash();
      const resume = { ...RESUME, task: 'c/t' };
      const abandon = { type: 'task.abandon', task: 'c/t', by: 'ada', reason: 'enough' };
      const receipt = await world.system.get('flow/1')!.send(resume, { id: 'again' });
      await world.settle();
      await world.tell('flow/1', abandon);
      await world.crash();
      expect(await rejection(world.system.get('flow/1')!.send(abandon))).toMatchObject({
        _tag: 'ActorEnded',
      });
      expect((await world.system.get('flow/1')!.send(resume, { id: 'again' })).seq).toBe(receipt.seq);
    });

    it('by whoever undoes; and who undoes hears what is meant for them', async () => {
      const world = await worldOf();
      await world.tell('flow/1', { type: 'run.abort', by: 'ada', reason: 'enough' });
      const waiting = 'who waits for one: undo m/0';
      expect((await refusalOf(world, 'undo done')).message).toContain(`'done' is complete; ${waiting}`);
      expect((await refusalOf(world, 'undo m/1')).message).toContain(
        `nobody is at work on 'undo m/1'; ${waiting}`,
      );
      expect((await refusalOf(world, '9', 'flow/1/undo m/0')).message).toContain('nobody here');
      for (const task of ['undo m/0', 'undo m', 'undo done']) {
        await world.tell('flow/1', { ...RESUME, task });
        if (task === 'undo m/0') continue;
        await world.tell('flow/1', { type: 'task.abandon', task, by: 'ada', reason: 'no use' });
      }
      expect(world.snapshot('flow/1').status).toBe('error');
    });
  });

  it('ends it where it says by whom, and why', async () => {
    const world = await opened();
    await world.tell('top/1', { type: 'run.abort', by: 'ada', reason: 'enough' });
    expect(world.snapshot('top/1').error).toMatchObject({ message: 'ada has aborted it: enough' });
  });
});

describe('what an actor accepts', () => {
  const accepts = ({ type }: { readonly type: string }): void => {
    if (type === 'never') throw new RangeError('not today');
  };
  const door = durable(
    setup({}).createMachine({
      initial: 'shut',
      states: { shut: { on: { never: 'open', open: 'open' } }, open: {} },
    }),
    { accepts },
  );
  const sender = setup({}).createMachine({
    on: { go: { actions: sendTo(({ system }) => system.get('door/1')!, { type: 'never' }) } },
  });
  /** A process of its own says it. */
  const talking = durable(
    setup({ actors: { says: fromCallback(({ sendBack }) => sendBack({ type: 'never' })) } }).createMachine({
      initial: 'shut',
      states: {
        shut: { invoke: { src: 'says', onError: 'caught' }, on: { never: 'open' } },
        ...{ caught: {}, open: {} },
      },
    }),
    { accepts },
  );

  it('comes from outside only if it is accepted; other actors answer for themselves', async () => {
    const { system } = await open({ door, sender, talking });
    const ref = await system.actor('door', '1');
    expect((await rejection(ref.send({ type: 'never' }))).message).toBe('not today');
    const careless = await system.actor('talking', '1');
    await ticks();
    expect([ref.getSnapshot().value, careless.getSnapshot().value]).toEqual(['shut', 'caught']);
    await (await system.actor('sender', '1')).send({ type: 'go' });
    await ticks();
    expect(ref.getSnapshot().value).toBe('open');
  });

  it('is said with a function', () => {
    expect(() => durable(door, { accepts: true as never })).toThrow(/spec\.accepts must be a function/);
    expect(() => durable(door, { awaits: true as never })).toThrow(/spec\.awaits must be a function/);
  });

  it('is looked at beside the state that it meets, where it says so', async () => {
    const awaits = (_: object, snapshot: unknown): void => {
      if ((snapshot as { value: unknown }).value === 'open') throw new RangeError('it is open');
    };
    const { system } = await open({ door: durable(door, { awaits }) });
    const ref = await system.actor('door', '1');
    await ref.send({ type: 'open' });
    expect((await rejection(ref.send({ type: 'open' }))).message).toBe('it is open');
  });
});

describe('a node may have a name that every object has', () => {
  it.each(['toString', 'constructor', 'valueOf', 'hasOwnProperty', 'prototype'])('%s', async (name) => {
    const within = workflow({ id: 'within', tasks: { [name]: task({ agent: 'echo' }) } });
    const kinds = {
      task: task({
        ...{ needs: ['a'], agent: 'echo', writes: { [name]: () => [1] } },
        compensate: { agent: 'echo', input: () => ({}) },
      }),
      skipped: task({ needs: ['a'], agent: 'echo', when: () => false }),
      call: call({ needs: ['a'], workflow: within }),
      map: map({ needs: ['a'], over: () => [{}], each: within }),
      loop: loop({ needs: ['a'], body: within, until: () => true, times: 2 }),
      branch: branch({ needs: ['a'], arms: { [name]: () => true }, otherwise: 'fail' }),
      join: join({ needs: ['a'] }),
    };
    const flows = Object.entries(kinds).map(([kind, node]) => {
      const tasks = {
        a: task({ agent: 'echo', input: () => ({}) }),
        [name]: node,
        z: task({
          needs: ['a', name],
          agent: 'echo',
          input: (values, { absent, shared }) => ({
            given: Object.keys(values),
            absent: Object.keys(absent),
            shared: shared[name] as unknown,
          }),
        }),
      };
      return [
        kind,
        workflow({ id: kind, shared: { [name]: { reduce: 'append' } }, tasks } as never),
      ] as const;
    });
    const world = await World.open({ actors: { ...Object.fromEntries(flows), echo } });
    for (const kind of Object.keys(kinds)) {
      await world.start(kind, '1');
      await world.advance(100);
      const isThere = kind !== 'skipped';
      expect([kind, world.snapshot(`${kind}/1`).output]).toEqual([
        kind,
        {
          given: isThere ? ['a', name] : ['a'],
          absent: isThere ? [] : [name],
          shared: kind === 'task' ? [1] : [],
        },
      ]);
    }
  });
});
