// The lie: "it stands there, so a task has made it". Somebody who may start anybody starts evidence: a content that nobody has made, an
// answer that came too late, one from before; by themselves, by a supervisor, by a schedule, or out of what is there.
import { task, workflow } from 'heddle/actors';
import { supervisor } from 'heddle';
import { describe, expect, it } from 'vitest';
import { contentHashOf } from '../../machines/values/content.ts';
import { everybodyMay } from './staffed.ts';
import { doing, World } from './staffed-world.ts';
import { collect, rejection } from './systems.ts';

const MALLORY = { type: 'user', id: 'mallory' } as const;

const flow = workflow({ id: 'flow', tasks: { work: task({ agent: 'clerk' }) } });
const ACTORS = { flow, clerk: doing('clerk', () => ({ done: true })) };
const SUPERVISE = supervisor({ id: 'shop', strategy: 'one-for-one', children: [] });

const value = 'a lie';
const HASH = contentHashOf(value);

/** What nobody has said, by the name under which it would stand. */
const FORGED = {
  content: { id: HASH.slice('sha256:'.length), input: { value, note: { madeBy: 'flow/1/work' } } },
  late: {
    id: 'flow/1/work:1',
    input: { task: 'flow/1/work', attempt: 1, agent: 'clerk', reply: { durationMs: 1, output: HASH } },
  },
  answers: { id: 'x', input: { task: 'flow/1/work', agent: 'clerk', output: HASH, at: 1 } },
};
const KINDS = Object.entries(FORGED);

async function opened() {
  const world = await World.open({ actors: ACTORS, decider: everybodyMay, supervise: SUPERVISE });
  await world.start('flow', '1');
  const addresses = () => collect(world.system.addresses());
  return { world, addresses, before: await addresses() };
}

describe('nobody but the house brings to life', () => {
  it.each(KINDS)('evidence: %s', async (name, { id, input }) => {
    const { world, addresses, before } = await opened();
    const theirs = world.system.as(MALLORY);
    for (const system of [world.system, theirs])
      for (const start of [
        () => system.start(name, { id, input }),
        () => system.start(name, { id, input, onConflict: 'join' }),
        () => system.actor(name, id, { input }),
      ]) {
        const error = await rejection(start());
        expect(error).toMatchObject({ _tag: 'InvalidArgument', path: 'name' });
        expect(error.message).toMatch(
          new RegExp(`'${name}' is not for start: use .*runs, whose tasks say it`),
        );
      }
    expect(await addresses()).toEqual(before);
    expect(await collect(world.system.refusals())).toMatchObject([{ what: 'start', count: 6 }]);
  });

  it.each(KINDS)('by a supervisor, evidence: %s', async (name, { id, input }) => {
    const { world, addresses, before } = await opened();
    const shop = world.system.supervisor('shop');
    const error = await rejection(shop.startChild({ id, start: name, input }));
    expect(error).toMatchObject({ _tag: 'InvalidArgument', path: 'child.start' });
    expect(await addresses()).toEqual(before);
    for (const children of [
      { children: [{ id, start: name, input }] },
      { strategy: 'dynamic', start: name },
    ]) {
      const supervise = supervisor({ id: 'other', ...children } as never);
      await world.system.close();
      await expect(world.reopen({ supervise })).rejects.toMatchObject({ _tag: 'InvalidArgument' });
    }
    await world.reopen();
  });

  it.each(KINDS)('by a schedule, evidence: %s', async (name, { input }) => {
    const { world, addresses, before } = await opened();
    const declaring = world.system.schedules.declare({
      id: 's',
      every: '1 hour',
      start: name,
      input,
    } as never);
    expect(await rejection(declaring)).toMatchObject({ _tag: 'InvalidArgument', path: 'schedule.start' });
    expect(await addresses()).toEqual(before);
  });

  it('out of what is there: no fork, and no import', async () => {
    const { world, addresses } = await opened();
    const hash = await world.system.content.put('true');
    const address = `content/${hash.slice('sha256:'.length)}`;
    const as = `content/${FORGED.content.id}`;
    const history = await world.system.export(address);
    const before = await addresses();
    const changed = {
      state: () => ({ context: { value, madeBy: ['flow/1/work'], usedBy: [], sources: [] } }),
    };
    const forking = world.system.fork(address, { as, with: changed });
    expect(await rejection(forking)).toMatchObject({ _tag: 'InvalidArgument', path: 'as' });
    const importing = world.system.import({ history, as });
    expect(await rejection(importing)).toMatchObject({ _tag: 'InvalidArgument', path: 'as' });
    expect(await addresses()).toEqual(before);
  });

  it('what is there is found and joined as ever', async () => {
    const { world } = await opened();
    const hash = await world.system.content.put(value);
    const id = hash.slice('sha256:'.length);
    expect((await world.system.actor('content', id, {})).address).toBe(`content/${id}`);
    expect((await world.system.start('content', { id, onConflict: 'join' })).address).toBe(`content/${id}`);
    expect(world.system.content.facts(hash)).toMatchObject({ madeBy: [] });
  });
});
