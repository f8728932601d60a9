// The lie: "a tree that makes no sense is refused, and the place is named".
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { Definitions, durable } from '../definition.ts';
import { declare, supervisor } from './declaration.ts';
import type { SupervisorOptions } from './declaration.ts';

const machine = setup({}).createMachine({});
const definitions = new Definitions(
  { worker: machine, job: durable(machine, { restart: { type: 'temporary', from: 'initial' } }) },
  {},
);
const read = (options: object) => declare(supervisor(options as SupervisorOptions), definitions);
const worker = { id: 'a', start: 'worker' };

describe('a declaration', () => {
  it('says what it leaves out: as in OTP, and as the child spec of its children', () => {
    const jobs = supervisor({ id: 'jobs', strategy: 'dynamic', start: 'job' });
    const { root } = read({ id: 's', children: [worker, jobs] });
    expect(root).toMatchObject({
      strategy: 'one-for-one',
      intensity: 1,
      periodMs: 5000,
      autoShutdown: 'never',
    });
    expect(root.children).toMatchObject([
      { restart: 'permanent', from: 'journal', shutdownMs: 5000, significant: false },
      {
        start: 'supervisor',
        restart: 'permanent',
        shutdownMs: Infinity,
        supervisor: { dynamic: { restart: 'temporary', from: 'initial', shutdownMs: 5000 } },
      },
    ]);
  });

  it('knows three ways to shut down', () => {
    const children = (['brutal', 'infinity', '2 seconds'] as const).map((shutdown, index) => ({
      id: String(index),
      start: 'worker',
      shutdown,
    }));
    expect(read({ id: 's', children }).root.children.map(({ shutdownMs }) => shutdownMs)).toEqual([
      0,
      Infinity,
      2000,
    ]);
  });

  const nested = (options: object) => ({
    id: 's',
    children: [supervisor({ id: 'n', ...options } as SupervisorOptions)],
  });
  const dynamic = supervisor({ id: 'd', strategy: 'dynamic', start: 'worker' });
  it.each([
    ['supervise.id', { id: '', children: [] }],
    ['supervise.id', { id: '\ud800', children: [] }],
    ['supervise.strategy', { id: 's', strategy: 'some', children: [] }],
    ['supervise.intensity', { id: 's', intensity: -1, children: [] }],
    ['supervise.intensity', { id: 's', intensity: 1.5, children: [] }],
    ['supervise.period', { id: 's', period: 0, children: [] }],
    ['supervise.children', { id: 's' }],
    ['supervise.children[0]', { id: 's', children: [null] }],
    ['supervise.children[0].start', { id: 's', children: [{ id: 'a', start: 'nothing' }] }],
    ['supervise.children[0].restart', { id: 's', children: [{ ...worker, restart: 'always' }] }],
    ['supervise.children[1]', { id: 's', children: [worker, worker] }],
    ['supervise.children[1].id', { id: 's', children: [worker, { id: 'a', start: 'job' }] }],
    [
      'supervise.children[1].children[0]',
      { id: 's', children: [worker, supervisor({ id: 'n', children: [worker] })] },
    ],
    ['supervise.children[1].start', { id: 's', children: [worker, dynamic] }],
    ['supervise.children[1]', { id: 's', children: [dynamic, worker] }],
    ['supervise.children[0].significant', { id: 's', children: [{ ...worker, significant: true }] }],
    [
      'supervise.children[0].significant',
      { id: 's', autoShutdown: 'any-significant', children: [{ ...worker, significant: true }] },
    ],
    ['supervise.children[0].intensity', nested({ intensity: 'many', children: [] })],
    ['supervise.children[0].restart', nested({ restart: 'never', children: [] })],
  ] as const)('that is wrong at %s is refused: %j', (path, options) => {
    expect(() => read(options)).toThrow(expect.objectContaining({ _tag: 'InvalidArgument', path }));
  });
});
