// The lie: "there is money because an account has said so, and a place because a gate has". Somebody from outside says it in their
// stead, while those who are asked have not answered yet.
import { budget, microsOf, router, task, workflow } from 'heddle/actors';
import { account, bulkhead } from 'heddle/machines';
import { describe, expect, it } from 'vitest';
import type { AnyEventObject } from 'xstate';
import type { Ledger } from '../../machines/budget/ledger.ts';
import { everybodyMay } from './staffed.ts';
import { doing, World } from './staffed-world.ts';
import { collect, rejection } from './systems.ts';

const COMPANY = 'budget/co';

/** A run whose agent has a gate that is full, and a shadow; its account lies within another. */
async function opened() {
  const asked: string[] = [];
  const doer = (name: string, permits: readonly string[]) =>
    doing(name, () => ({ number: asked.push(name) }), { capabilities: ['work'], permits });
  const flow = workflow({
    id: 'flow',
    budget: budget({ limit: 5, within: [COMPANY] }),
    tasks: { work: task({ agent: 'clerk' }) },
  });
  const world = await World.open({
    actors: {
      ...{ flow, clerk: doer('clerk', ['gate/clerk']), twin: doer('twin', []), budget: account() },
      gate: bulkhead({ slots: 1, queue: 5, waitMs: 600_000, leaseMs: 600_000 }),
    },
    ...{ decider: everybodyMay },
    router: router({ shadows: [{ agent: 'twin', of: 'clerk', share: 100, compare: ['/number'] }] }),
  } as never);
  await world.start('budget', 'co', { limit: 10 });
  await world.start('budget', 'acme', { limit: 10, within: [COMPANY] });
  await world.start('gate', 'clerk');
  return { world, asked };
}

const reservedIn = (world: World, address: string): number =>
  (world.snapshot(address).context as Ledger).window.reserved / 1e6;

/** Says it from outside, and expects that nothing comes of it. */
async function expectRefused(world: World, address: string, event: AnyEventObject): Promise<void> {
  const before = await world.history(address);
  const error = await rejection(world.system.get(address)!.send(event));
  expect(error).toMatchObject({ _tag: 'InvalidArgument', path: 'event.type' });
  expect(error.message).toContain(`'${event.type}' is not for send to ${address}: use `);
  expect(await world.history(address)).toEqual(before);
}

describe('what is said from outside in the stead of', () => {
  it('the next account grants nothing, and refuses nothing', async () => {
    const { world } = await opened();
    await world.system.pause({ address: COMPANY });
    const amount = microsOf(2);
    await world.tell('budget/acme', { type: 'budget.reserve', ticket: 't', amount });
    const ticket = 'budget/acme#t';
    await expectRefused(world, 'budget/acme', { type: 'budget.reserved', ticket, amount, accounts: [] });
    await expectRefused(world, 'budget/acme', { type: 'budget.refused', ticket });
    await expectRefused(world, 'budget/acme', { type: 'budget.begin', options: {} });
    await world.system.resume({ address: COMPANY });
    await world.settle();
    await world.tell('budget/acme', { type: 'budget.settle', ticket: 't', cost: amount, source: 'local' });
    expect([reservedIn(world, 'budget/acme'), reservedIn(world, COMPANY)]).toEqual([0, 0]);
    expect((world.snapshot(COMPANY).context as Ledger).window.spent).toBe(amount);
  });

  it('an account above that of a run gives the run nothing', async () => {
    const { world, asked } = await opened();
    await world.system.pause({ address: COMPANY });
    await world.start('flow', '1');
    const { open } = world.snapshot('flow/1/account').context as Ledger;
    const [ticket, { amount }] = [...open][0]!;
    await expectRefused(world, 'flow/1/account', { type: 'budget.reserved', ticket, amount, accounts: [] });
    expect(asked).toEqual([]);
  });

  it('a gate lets nothing pass', async () => {
    const { world, asked } = await opened();
    await world.tell('gate/clerk', { type: 'permit.request', ticket: 'other' });
    await world.start('flow', '1');
    const ask = 'flow/1/work/ask';
    const ticket = `${ask}#0`;
    await expectRefused(world, ask, { type: 'permit.granted', ticket, leaseMs: 1000 });
    await expectRefused(world, ask, { type: 'permit.refused', ticket, retryAfterMs: 0, reason: 'full' });
    expect(asked).toEqual(['twin']);
  });

  it('a decider permits no tool: that stands in the journal of a task because it was decided', async () => {
    const { world } = await opened();
    await world.tell('gate/clerk', { type: 'permit.request', ticket: 'other' });
    await world.start('flow', '1');
    const permission = { effect: 'permit', determining: ['mine'], reasons: [], decider: 'sha256:mine' };
    const resource = { type: 'tool', id: 'shell' };
    const forged = { type: 'task.permission', action: 'tool.call', resource, permission, attempt: 1 };
    await expectRefused(world, 'flow/1/work', forged);
    expect((await world.history('flow/1/work')).map(({ event }) => event.type)).not.toContain(forged.type);
  });

  it('nobody says it because somebody outside has named them as whoever is to be answered', async () => {
    const { world, asked } = await opened();
    const { system } = world;
    await world.start('budget', 'mine', { limit: 100 });
    await world.start('gate', 'free');
    await world.tell('gate/clerk', { type: 'permit.request', ticket: 'other' });
    await world.start('flow', '1');
    await system.pause({ address: COMPANY });
    const amount = microsOf(2);
    await world.tell('budget/acme', { type: 'budget.reserve', ticket: 't', amount });
    await world.start('flow', '2');
    const expectUnheard = async (address: string, from: string, event: AnyEventObject) => {
      for (const host of [system, system.as({ type: 'user', id: 'mallory' })]) {
        const named: AnyEventObject = { ...event, from: host.get(from) };
        expect(await rejection(host.get(address)!.send(named))).toMatchObject({
          _tag: 'InvalidArgument',
          path: 'event.from',
        });
        await world.settle();
      }
    };
    const reserve = { type: 'budget.reserve', amount };
    await expectUnheard('budget/mine', 'budget/acme', { ...reserve, ticket: 'budget/acme#t' });
    await expectUnheard('budget/mine', 'flow/2/work', { ...reserve, ticket: 'flow/2/work#1' });
    await expectUnheard('gate/free', 'flow/1/work/ask', {
      type: 'permit.request',
      ticket: 'flow/1/work/ask#0',
    });
    expect((world.snapshot('budget/acme').context as Ledger).open.get('budget/acme#t')!.state).toBe('asking');
    expect(world.snapshot('flow/2/work').value).toBe('paying');
    expect(asked).toEqual(['twin']);
  });

  it('a task asks nobody in the shadow of another, has made nothing, and tells nothing of anybody', async () => {
    const { world, asked } = await opened();
    await world.start('flow', '1');
    expect(asked).toEqual(['twin', 'clerk']);
    const told = (await world.history('shadow/twin')).map((record) => record.event);
    const event = told.find(({ type }) => type === 'shadow.ask');
    await expectRefused(world, 'shadow/twin', { ...event!, ticket: 'mine' });
    await expectRefused(world, 'shadow/twin', { type: 'shadow.answer', ticket: 'mine', side: {} });
    const note = { madeBy: 'flow/1/work' };
    const [content] = await collect(world.system.query({ name: 'content' }));
    await expectRefused(world, content!.address, { type: 'content.noted', note });
    const attempts = [{ durationMs: 1 }];
    await expectRefused(world, 'quality/clerk', { type: 'record.report', capability: '', attempts });
    expect(asked).toEqual(['twin', 'clerk']);
  });
});
