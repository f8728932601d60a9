// The lie: "every item is done, so many at once, and one that fails does what was said".
import { assign, createActor, setup } from 'xstate';
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import { describe, expect, it } from 'vitest';
import type { WorkOutcome } from './graph.ts';
import { mapMachine } from './map.ts';
import type { MapContext, MapSpec } from './map.ts';
import { puppet, TAKES_ALL } from './puppet.testsuite.ts';
import type { PuppetContext } from './puppet.testsuite.ts';

class Mapping {
  readonly actor: AnyActorRef & { getSnapshot(): AnyMachineSnapshot };

  constructor(items: unknown, spec: Partial<MapSpec> = {}) {
    const machine = mapMachine({
      ...TAKES_ALL,
      concurrency: 2,
      each: puppet,
      input: (item) => ({ item }),
      onItemError: 'fail',
      reduce: (outputs) => outputs,
      ...spec,
    });
    const start = { workflow: 'flow', run: 'flow/1', task: 'all', values: {}, account: undefined };
    this.actor = createActor(machine, { input: { ...start, input: items } }).start() as never;
  }

  get running(): string {
    return Object.keys((this.actor.getSnapshot().context as MapContext).running).join(' ');
  }

  get outcome(): WorkOutcome {
    return this.actor.getSnapshot().output as WorkOutcome;
  }

  item(id: number | string): AnyActorRef {
    return this.actor.getSnapshot().children[id] as AnyActorRef;
  }

  end(
    id: number,
    outcome: WorkOutcome = { status: 'complete', output: id, facts: { attempts: 1, cost: 5 } },
  ): this {
    this.item(id).send({ type: 'end', outcome });
    return this;
  }

  fail(id: number): this {
    return this.end(id, { status: 'failed', problem: { class: 'crash', message: 'broken' } });
  }
}

describe('a map', () => {
  it('does so many at once, and gives the outputs in the order of the items', () => {
    const map = new Mapping(['a', 'b', 'c', 'd', 'e']);
    expect(map.running).toBe('0 1');
    expect((map.item(1).getSnapshot().context as PuppetContext).start).toMatchObject({
      task: 'all/1',
      input: { item: 'b' },
    });
    map.end(1);
    expect(map.running).toBe('0 2');
    map.end(2).end(3).end(0).end(4);
    expect(map.outcome).toEqual({
      status: 'complete',
      output: [0, 1, 2, 3, 4],
      facts: { attempts: 5, cost: 25 },
    });
    expect(Object.keys(map.actor.getSnapshot().children)).toEqual([]);
  });

  it('is done at once when there is nothing to do', () => {
    expect(new Mapping([]).outcome).toMatchObject({ status: 'complete', output: [] });
  });

  it('fails where there is no list, and where an item cannot be given its input', () => {
    expect(new Mapping({ length: 3 }).outcome).toMatchObject({
      status: 'failed',
      problem: { message: 'what it is to go over is no list' },
    });
    const input: MapSpec['input'] = (item) => (item as { x: { y: number } }).x.y;
    const map = new Mapping([{ x: { y: 1 } }, { x: { y: 1 } }, {}], { input }).end(0);
    expect(map.outcome).toMatchObject({
      status: 'failed',
      problem: {
        class: 'invalid-input',
        message: expect.stringMatching(/^item 2: its input cannot be made: TypeError/) as string,
      },
    });
  });

  it('fail: the first that fails cancels the others, and nothing more is begun', () => {
    const map = new Mapping(['a', 'b', 'c']).fail(1);
    expect(map.outcome).toMatchObject({
      status: 'failed',
      problem: { class: 'crash', item: '1', message: 'item 1: broken' },
    });
    expect(map.item(2)).toBe(undefined);
  });

  it('collect: does all, and says of each what came of it', () => {
    const map = new Mapping(['a', 'b'], { onItemError: 'collect' }).fail(0).end(1);
    expect(map.outcome).toMatchObject({
      status: 'complete',
      output: [
        { status: 'failed', problem: { message: 'broken' } },
        { status: 'complete', output: 1 },
      ],
    });
  });

  it('ends with all when somebody has ended the run in one of them', () => {
    const map = new Mapping(['a', 'b'], { onItemError: 'collect' });
    map.end(0, { status: 'aborted', by: 'ada', reason: 'enough' });
    expect(map.outcome).toMatchObject({ status: 'aborted', by: 'ada', reason: 'enough' });
  });

  it('ends the run though another item has failed, where somebody did so before they heard of that', () => {
    const deaf = setup({ types: { context: {} as { outcome: WorkOutcome | undefined } } }).createMachine({
      context: { outcome: undefined },
      initial: 'working',
      states: {
        working: {
          on: { end: { target: 'ended', actions: assign(({ event }) => ({ outcome: event['outcome'] })) } },
        },
        ended: { type: 'final' },
      },
      output: ({ context }) => context.outcome,
    });
    const map = new Mapping(['a', 'b'], { each: deaf }).fail(0);
    map.end(1, { status: 'aborted', by: 'ada', reason: 'enough' });
    expect(map.outcome).toMatchObject({ status: 'aborted', by: 'ada', reason: 'enough' });
  });

  it('comes to an end when it is told to', () => {
    const map = new Mapping(['a', 'b', 'c']);
    map.actor.send({ type: 'task.cancel', because: 'enough' });
    expect(map.outcome).toMatchObject({ status: 'cancelled' });
  });

  it('lets those who wait be told something, and nobody else', () => {
    const map = new Mapping(['a', 'b']);
    map.item(1).send({ type: 'say', standing: 'parked' });
    map.actor.send({ type: 'task.resume', task: 'all/1', by: 'ada' });
    map.actor.send({ type: 'task.resume', task: 'all/7', by: 'ada' });
    map.actor.send({ type: 'task.resume', task: 'other/1', by: 'ada' });
    expect((map.item(1).getSnapshot().context as PuppetContext).resumed).toMatchObject({
      task: '1',
      by: 'ada',
    });
    expect((map.item(0).getSnapshot().context as PuppetContext).resumed).toBe(undefined);
    expect((map.actor.getSnapshot().context as MapContext).stands).toBe('running');
    map.item(0).send({ type: 'say', standing: 'waiting' });
    expect((map.actor.getSnapshot().context as MapContext).stands).toBe('parked');
  });

  it('joins the outputs as it was told, and fails where that cannot be', () => {
    const reduce: MapSpec['reduce'] = (outputs) => (outputs as number[]).reduce((a, b) => a + b, 0);
    expect(new Mapping(['a', 'b'], { reduce }).end(0).end(1).outcome).toMatchObject({ output: 1 });
    const broken: MapSpec['reduce'] = () => {
      throw new RangeError('no');
    };
    expect(new Mapping([], { reduce: broken }).outcome).toMatchObject({
      status: 'failed',
      problem: { message: 'its results cannot be joined: RangeError: no' },
    });
  });
});
