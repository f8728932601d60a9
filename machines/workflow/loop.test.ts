// The lie: "a loop goes on until it is good enough, and never beyond its bound".
import { createActor, setup } from 'xstate';
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import { describe, expect, it } from 'vitest';
import type { WorkOutcome } from './graph.ts';
import { loopMachine } from './loop.ts';
import type { LoopSpec } from './loop.ts';
import { puppet, TAKES_ALL } from './puppet.testsuite.ts';
import type { PuppetContext } from './puppet.testsuite.ts';

class Looping {
  readonly actor: AnyActorRef & { getSnapshot(): AnyMachineSnapshot };

  constructor(spec: Partial<LoopSpec> = {}) {
    const machine = loopMachine({
      ...TAKES_ALL,
      body: puppet,
      times: 3,
      until: (output) => output > 10,
      next: (output, { first }) => ({ first, output }),
      whenSpent: 'fail',
      ...spec,
    });
    const start = { workflow: 'flow', run: 'flow/1', task: 'refine', values: {}, account: undefined };
    this.actor = createActor(machine, { input: { ...start, input: 'draft' } }).start() as never;
  }

  get outcome(): WorkOutcome {
    return this.actor.getSnapshot().output as WorkOutcome;
  }

  get now(): AnyActorRef {
    return Object.values(this.actor.getSnapshot().children)[0] as AnyActorRef;
  }

  get given(): unknown {
    const { start } = this.now.getSnapshot().context as PuppetContext;
    return [start.task, start.input];
  }

  end(output: number): this {
    const outcome = { status: 'complete', output, facts: { attempts: 2, cost: 3 } };
    this.now.send({ type: 'end', outcome });
    return this;
  }
}

describe('a loop', () => {
  it('does the work again with what came of it, until that is good enough', () => {
    const loop = new Looping();
    expect(loop.given).toEqual(['refine/1', 'draft']);
    loop.end(5);
    expect(loop.given).toEqual(['refine/2', { first: 'draft', output: 5 }]);
    loop.end(11);
    expect(loop.outcome).toEqual({ status: 'complete', output: 11, facts: { attempts: 4, cost: 6 } });
  });

  it('stops at its bound: fails, or takes the last', () => {
    expect(new Looping().end(1).end(2).end(3).outcome).toMatchObject({
      status: 'failed',
      problem: {
        class: 'not-converged',
        message: 'it was done 3 times, and its output was never good enough',
      },
    });
    expect(new Looping({ whenSpent: 'accept' }).end(1).end(2).end(3).outcome).toMatchObject({
      status: 'complete',
      output: 3,
    });
  });

  it('fails with its work, with an error in it, and where nobody can say how it goes on', () => {
    const failing = new Looping();
    failing.now.send({
      type: 'end',
      outcome: { status: 'failed', problem: { class: 'crash', message: 'x' } },
    });
    expect(failing.outcome).toMatchObject({ status: 'failed', problem: { message: 'x' } });
    const until = () => {
      throw new RangeError('no');
    };
    expect(new Looping({ until }).end(1).outcome).toMatchObject({
      status: 'failed',
      problem: { message: 'it cannot be said how the loop goes on: RangeError: no' },
    });
  });

  it('comes to an end when it is told to, and passes on what is for its work', () => {
    const loop = new Looping().end(1);
    loop.actor.send({ type: 'task.resume', task: 'refine/2', by: 'ada' });
    expect((loop.now.getSnapshot().context as PuppetContext).resumed).toMatchObject({ task: '2' });
    loop.actor.send({ type: 'task.cancel', because: 'enough' });
    expect(loop.outcome).toMatchObject({ status: 'cancelled', facts: { attempts: 2 } });
  });

  it('does not go on when its work was done before it heard that it is not wanted', () => {
    const deaf = setup({}).createMachine({
      initial: 'working',
      states: { working: { on: { end: 'ended' } }, ended: { type: 'final' } },
      output: () => ({ status: 'complete', output: 1, facts: { attempts: 1, cost: 1 } }),
    });
    const cancelled = (spec: Partial<LoopSpec>) => {
      const loop = new Looping({ body: deaf, ...spec });
      loop.actor.send({ type: 'task.cancel', because: 'enough' });
      return loop.end(1).outcome;
    };
    expect(cancelled({})).toEqual({ status: 'cancelled', facts: { attempts: 1, cost: 1 } });
    expect(cancelled({ times: 1 })).toMatchObject({ status: 'cancelled' });
    expect(cancelled({ until: () => true })).toMatchObject({ status: 'complete', output: 1 });
  });
});
