// The lie: "it declines to act when it cannot act correctly". One scenario for each precondition: what is missing is said as a structured
// refusal, nobody is asked, the task stands still as its strategy says; and when that is supplied, this task goes on and no other.
import {
  agent,
  budget,
  extend,
  FaultError,
  problemOf,
  roles,
  strategies,
  task,
  workflow,
} from 'heddle/actors';
import type { FaultClass } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { doing, World } from './staffed-world.ts';
import { rejection } from './systems.ts';

const MINUTE = 60_000;

/** Waits for a person wherever something is missing. */
const strict = extend(strategies.standard, {
  name: 'strict',
  rows: {
    'invalid-input': [{ do: 'park' }],
    'not-permitted': [{ do: 'park' }],
    'no-agent': [{ do: 'park' }],
    unavailable: [{ do: 'park' }],
    'context-window': [{ do: 'larger-window' }, { do: 'park' }],
  },
});

const job = (more: object = {}, work: object = {}) =>
  workflow({
    id: 'job',
    strategy: strict,
    ...more,
    tasks: { side: task({ agent: 'aside' }), work: task({ agent: 'clerk', ...work }) },
  });

class Scene {
  readonly asked: string[] = [];
  readonly world: World;
  readonly actors: Record<string, unknown>;

  private constructor(world: World, actors: Record<string, unknown>, asked: string[]) {
    this.world = world;
    this.actors = actors;
    this.asked = asked;
  }

  static async open(
    make: (note: (name: string) => void) => { actors: Record<string, unknown>; decider?: object },
    input: object = {},
  ): Promise<Scene> {
    const asked: string[] = [];
    const note = (name: string): void => void asked.push(name);
    const { actors, ...rest } = make(note);
    const aside = doing('aside', () => (note('aside'), {}));
    const all = { job: job(), aside, ...actors };
    const world = await World.open({ actors: all as never, ...rest });
    await world.start('job', '1', input);
    await world.settle();
    return new Scene(world, all, asked);
  }

  get work() {
    return this.world.snapshot('job/1/work');
  }

  // The same is expected in every scene.
  /* oxlint-disable vitest/no-standalone-expect */
  /** What is told to whoever looks. */
  refusal(class_: FaultClass) {
    expect(this.work.value).toBe('parked');
    expect(this.world.snapshot('job/1').context.nodes).toMatchObject({
      side: { status: 'complete' },
      work: { status: 'parked' },
    });
    const problem = problemOf(this.work.context.fault, 'job/1/work');
    expect(problem).toMatchObject({ type: `urn:heddle:problem:${class_}`, instance: 'job/1/work' });
    expect(problem.remediation.length).toBeGreaterThan(0);
    return problem;
  }

  async resume(input?: object): Promise<void> {
    const more = input === undefined ? {} : { input };
    await this.world.tell('job/1', { type: 'task.resume', task: 'work', by: 'ada', ...more });
    await this.world.settle();
  }

  /** It went on, and nothing else did. */
  expectDone(asked: readonly string[]): void {
    expect(this.world.snapshot('job/1').status).toBe('done');
    expect(this.asked).toEqual(asked);
  }
  /* oxlint-enable vitest/no-standalone-expect */

  async reopen(changes: { actors?: object; decider?: object }): Promise<void> {
    await this.world.close();
    const { actors, ...rest } = changes;
    await this.world.reopen({ ...rest, actors: { ...this.actors, ...actors } as never });
    await this.world.settle();
  }
}

const clerk = (note: (name: string) => void, more: object = {}) =>
  doing('clerk', () => (note('clerk'), {}), more);

/** An agent that fails until something is mended. */
const failing = (note: (name: string) => void, isMended: () => boolean, class_: FaultClass) =>
  doing('clerk', () => {
    if (!isMended()) throw new FaultError({ class: class_, message: 'not now', cost: 0 as never });
    note('clerk');
    return {};
  });

describe('a task', () => {
  it('whose input breaks the schema is not begun, and goes on with one that keeps it', async () => {
    const inputSchema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
    const scene = await Scene.open((note) => ({ actors: { clerk: clerk(note, { inputSchema }) } }), {
      n: 'x',
    });
    expect(scene.refusal('invalid-input')).toMatchObject({ status: 422, errors: [{ pointer: '#/n' }] });
    await scene.resume({ n: 1 });
    scene.expectDone(['aside', 'clerk']);
  });

  it('that is not permitted is not begun, and goes on when it is', async () => {
    const table = (...agents: string[]) =>
      roles({
        grants: [
          {
            id: 'program',
            to: { principals: [{ type: 'program', id: 'main' }] },
            actions: ['*'],
            resources: 'any',
          },
          {
            id: 'calls',
            to: 'everyone',
            actions: ['agent.call'],
            resources: agents.map((id) => ({ type: 'agent', id })),
          },
        ],
      });
    const scene = await Scene.open((note) => ({ actors: { clerk: clerk(note) }, decider: table('aside') }));
    expect(scene.refusal('not-permitted')).toMatchObject({ status: 403, category: 'refusal' });
    await scene.reopen({ decider: table('aside', 'clerk') });
    await scene.resume();
    scene.expectDone(['aside', 'clerk']);
    expect(scene.work.context.advice.permission.determining).toEqual(['calls']);
  });

  it('that there is no money for is not begun, and goes on when the limit is raised', async () => {
    const scene = await Scene.open((note) => ({
      actors: {
        job: job({ budget: budget({ limit: 0.02, onExhausted: 'review' }) }, { needs: ['side'] }),
        clerk: clerk(note, { cost: 0.02 }),
      },
    }));
    expect(scene.refusal('budget-exhausted')).toMatchObject({ status: 402 });
    await scene.world.tell('job/1/account', {
      type: 'budget.configure',
      limit: 2_000_000,
      by: 'ada',
      reason: 'more',
    });
    await scene.resume();
    scene.expectDone(['aside', 'clerk']);
  });

  it('whose price nobody knows is not begun, and goes on when it is known', async () => {
    const estimate = (): number => NaN;
    const scene = await Scene.open((note) => ({ actors: { clerk: clerk(note, { estimate }) } }));
    expect(scene.refusal('no-agent').detail).toContain('its estimate');
    await scene.reopen({ actors: { clerk: clerk((name) => scene.asked.push(name)) } });
    await scene.resume();
    scene.expectDone(['aside', 'clerk']);
  });

  it('that does not fit into the window stops, and goes on with an agent that has a larger one', async () => {
    let isLarger = false;
    const scene = await Scene.open((note) => ({
      actors: { clerk: failing(note, () => isLarger, 'context-window') },
    }));
    expect(scene.refusal('context-window')).toMatchObject({ status: 413 });
    isLarger = true;
    await scene.resume();
    scene.expectDone(['aside', 'clerk']);
  });

  it('without credentials stops, and goes on with them', async () => {
    let hasKey = false;
    const scene = await Scene.open((note) => ({ actors: { clerk: failing(note, () => hasKey, 'auth') } }));
    expect(scene.refusal('auth')).toMatchObject({ disposition: 'park' });
    hasKey = true;
    await scene.resume();
    scene.expectDone(['aside', 'clerk']);
  });

  it('whose other side is down waits, and goes on by itself when it is back', async () => {
    let isUp = false;
    const scene = await Scene.open((note) => ({
      actors: {
        job: job({ strategy: strategies.standard }),
        clerk: failing(note, () => isUp, 'unavailable'),
      },
    }));
    await scene.world.advance(3 * MINUTE);
    expect(scene.work.value).toBe('sleeping');
    const problem = problemOf(scene.work.context.fault, 'job/1/work');
    expect(problem).toMatchObject({ status: 503, retryable: true });
    isUp = true;
    await scene.world.advance(30 * MINUTE);
    scene.expectDone(['aside', 'clerk']);
  });

  it('that nobody can do is refused with its workflow, before anything is opened', async () => {
    const opening = World.open({ actors: { job: job(), aside: doing('aside', () => ({})) } });
    expect(await rejection(opening)).toMatchObject({ code: 'HEDDLE_INVALID_ARGUMENT', path: 'actors.job' });
  });

  it('whose definition has changed is not gone on with, and goes on when it is back', async () => {
    let hasKey = false;
    const scene = await Scene.open((note) => ({ actors: { clerk: failing(note, () => hasKey, 'auth') } }));
    scene.refusal('auth');
    hasKey = true;
    const changed = workflow({
      id: 'job',
      strategy: strict,
      tasks: { other: task({ agent: 'aside' }), work: task({ needs: ['other'], agent: 'clerk' }) },
    });
    await scene.reopen({ actors: { job: changed } });
    const refused = await rejection(scene.resume());
    expect(refused).toMatchObject({ code: 'HEDDLE_STORY_CHANGED' });
    expect(scene.asked).toEqual(['aside']);
    await scene.reopen({});
    await scene.resume();
    scene.expectDone(['aside', 'clerk']);
  });
});

describe('what cannot be a definition', () => {
  it('is refused with everything that is wrong, as a problem', () => {
    let refusal: unknown;
    try {
      agent({
        name: 'a b',
        capabilities: [],
        model: '',
        inputSchema: true,
        outputSchema: 7,
        execute: 1,
      } as never);
    } catch (error) {
      refusal = error;
    }
    expect(problemOf(refusal as never)).toMatchObject({ status: 422, code: 'CONTRACT_REFUSED' });
    expect(problemOf(refusal as never).errors.length).toBeGreaterThan(3);
  });
});
