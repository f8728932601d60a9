// The lie: "nothing is done from outside that was not permitted, and what was permitted says so in its record". Every way in is tried
// with a decider that permits all, one that refuses all, and ones that are broken in every way; records are read after kills.
import { describe, expect, it } from 'vitest';
import { createMachine, fromCallback, fromTransition, sendTo, setup } from 'xstate';
import { createSystem, NotPermitted, supervisor } from 'heddle';
import type { AnyEventObject } from 'xstate';
import type { AccessRequest, Decider, Decision, Principal, SystemView } from 'heddle';
import { roles } from 'heddle/actors';
import { memory } from 'heddle/storage';
import { counter } from './counter.ts';
import { collect, onDisk, open, rejection, temporaryFolder, ticks } from './systems.ts';
import type { Opened } from './systems.ts';

const PERMIT: Decision = { effect: 'permit', determining: ['b', 'a'], reasons: [], obligations: [] };
const DENY: Decision = { effect: 'deny', determining: [], reasons: ['no'], obligations: [] };
const alice: Principal = { type: 'user', id: 'alice', properties: { tenant: 'acme' } };

/** Answers as it is told, and keeps what it was asked. */
class Played implements Decider {
  readonly hash = 'played';
  readonly asked: AccessRequest[] = [];
  answer: (request: AccessRequest) => unknown;

  constructor(answer: (request: AccessRequest) => unknown = () => PERMIT) {
    this.answer = answer;
  }

  decide(request: AccessRequest): Decision {
    this.asked.push(request);
    return this.answer(request) as Decision;
  }

  get actions(): readonly string[] {
    return this.asked.map(({ action, resource }) => `${action.name} ${resource.type}/${resource.id}`);
  }
}

const only =
  (...names: string[]) =>
  ({ action }: AccessRequest): Decision =>
    names.includes(action.name) ? PERMIT : DENY;

const fragile = createMachine({ on: { boom: { actions: () => {}, guard: () => boom() } } });
function boom(): never {
  throw new RangeError('boom');
}
const ADD_ONE = { type: 'add', by: 1 } as AnyEventObject;
/** Sends to another actor from within: a step, an action, a process. */
const chatty = setup({
  types: { events: {} as { type: 'step' | 'effect' | 'run' } },
  actors: {
    process: fromCallback(({ system }) => {
      void system.get('counter/a')?.send({ type: 'add', by: 100 });
    }),
  },
}).createMachine({
  on: {
    step: { actions: sendTo(({ system }) => system.get('counter/a')!, ADD_ONE) },
    effect: {
      actions: ({ system }) => system.get('counter/a')!.send({ type: 'add', by: 10 }) as unknown as void,
    },
    run: '.running',
  },
  initial: 'idle',
  states: { idle: {}, running: { invoke: { src: 'process' } } },
});
const actors = { counter, fragile, chatty };
type World = Opened<typeof actors>;
type View = SystemView<typeof actors>;

const tree = supervisor({ id: 's', children: [{ id: 'kept', start: 'counter' }] });

/** A world in which there is something to do with everything. Whoever has made it may do everything. */
async function prepared(decider: Decider, settings: object = {}): Promise<World> {
  const run = await open(actors, { decider, supervise: tree, ...settings });
  const { system } = run;
  for (const id of ['a', 'b']) await system.start('counter', { id });
  await rejection((await system.start('fragile', { id: 'f' })).send({ type: 'boom' }));
  await system.fork('counter/a', { as: 'counter/held' });
  await system.schedules.declare({ id: 'day', start: 'counter', every: '1 day' });
  return run;
}

/** What is exported by somebody who may, for somebody who may not import it. */
let exportedText = '';
async function letterIn(view: View): Promise<number> {
  for await (const { id } of view.deadLetters()) return id;
  throw new Error('there is no letter');
}

/** Every way in: the action that is asked for, and whose journal says that it was permitted (`heddle/system` has the rest). */
const WAYS: readonly (readonly [action: string, journal: string, run: (view: View) => Promise<unknown>])[] = [
  ['start counter/new', 'counter/new', (view) => view.start('counter', { id: 'new' })],
  ['start counter/new', 'counter/new', (view) => view.actor('counter', 'new')],
  ['send counter/a', 'counter/a', (view) => view.get('counter/a')!.send({ type: 'add', by: 1 })],
  ['stop counter/a', 'counter/a', (view) => view.stop('counter/a')],
  ['fork counter/a', 'counter/c', (view) => view.fork('counter/a', { as: 'counter/c' })],
  ['perform counter/held', 'counter/held', (view) => view.perform('counter/held')],
  ['import counter/i', 'counter/i', (view) => view.import({ history: exportedText, as: 'counter/i' })],
  ['export counter/a', 'heddle/system', (view) => view.export('counter/a')],
  ['export counter/a', 'heddle/system', (view) => view.fixture('counter/a', { actors: './actors.ts' })],
  ['pause counter/a', 'heddle/system', (view) => view.pause({ address: 'counter/a' })],
  ['pause counter/*', 'heddle/system', (view) => view.pause({ name: 'counter' })],
  ['pause system/*', 'heddle/system', (view) => view.pause()],
  ['resume counter/b', 'heddle/system', (view) => view.resume({ address: 'counter/b' })],
  [
    'discard fragile/f',
    'heddle/system',
    async (view) => view.deadLetters().discard(await letterIn(view), { by: 'x', reason: 'y' }),
  ],
  ['retry fragile/f', 'heddle/system', async (view) => view.deadLetters().retry(await letterIn(view))],
  ['migrate system/*', 'heddle/system', (view) => view.migrate()],
  ['compact system/*', 'heddle/system', (view) => view.compact()],
  ['backup system/*', 'heddle/system', (view) => view.backup(temporaryFolder('backup'))],
  ['child.terminate supervisor/s', 'supervisor/s', (view) => view.supervisor('s').terminateChild('kept')],
  [
    'child.start supervisor/s',
    'supervisor/s',
    (view) => view.supervisor('s').startChild({ id: 'more', start: 'counter' }),
  ],
  ['child.restart supervisor/s', 'supervisor/s', (view) => view.supervisor('s').restartChild('kept')],
  ['child.delete supervisor/s', 'supervisor/s', (view) => view.supervisor('s').deleteChild('kept')],
  [
    'schedule.declare schedule/week',
    'schedule/week',
    (view) => view.schedules.declare({ id: 'week', start: 'counter', every: '7 days' }),
  ],
  ['schedule.trigger schedule/day', 'schedule/day', (view) => view.schedules.trigger('day')],
  ['schedule.pause schedule/day', 'schedule/day', (view) => view.schedules.pause('day')],
  ['schedule.resume schedule/day', 'schedule/day', (view) => view.schedules.resume('day')],
  ['schedule.delete schedule/day', 'schedule/day', (view) => view.schedules.delete('day')],
];

describe('every way in', () => {
  const worldWithExport = async (decider: Played, action: string): Promise<World> => {
    const world = await prepared(decider, {
      store: /^(send|compact|backup)/.test(action) ? onDisk() : memory(),
    });
    exportedText = await world.system.export('counter/a');
    await world.system.pause({ address: 'counter/b' });
    return world;
  };

  it.each(WAYS)('is asked for, refused without a trace but the refusal: %s', async (action, _, run) => {
    const decider = new Played();
    const world = await worldWithExport(decider, action);
    await world.settle();
    decider.answer = () => DENY;
    decider.asked.length = 0;
    const before = await portrait(world);
    const error = await rejection(run(world.system.as(alice)));
    expect(error).toBeInstanceOf(NotPermitted);
    expect(error).toMatchObject({
      code: 'HEDDLE_NOT_PERMITTED',
      principal: { type: 'user', id: 'alice' },
      reasons: ['no'],
    });
    expect(decider.actions).toEqual([action]);
    expect(decider.asked[0]!.principal).toEqual(alice);
    expect(await portrait(world)).toEqual(before);
    const refusals = await collect(world.system.refusals());
    expect(refusals.at(-1)).toMatchObject({
      what: action.split(' ')[0],
      code: 'HEDDLE_NOT_PERMITTED',
      principal: 'user alice',
    });
  });

  it.each(WAYS)('is permitted, and its record says by whom and what: %s', async (action, journal, run) => {
    const decider = new Played();
    const world = await worldWithExport(decider, action);
    decider.asked.length = 0;
    // What it comes to is not what is tried here: a letter that fails again, a child that runs.
    await run(world.system.as(alice)).catch((error: unknown) =>
      expect(error).not.toBeInstanceOf(NotPermitted),
    );
    expect(decider.actions).toEqual([action]);
    await world.runtime.committer.durable();
    const after = await world.crash();
    const records = await collect(after.system.history(journal));
    expect(records.filter(({ principal }) => principal?.id === 'alice')).toHaveLength(1);
    const record = records.find(({ principal }) => principal?.id === 'alice');
    expect(record).toMatchObject({
      principal: { type: 'user', id: 'alice' },
      decision: { determining: ['a', 'b'], decider: 'played' },
    });
    expect((await after.system.verify()).broken).toEqual([]);
  });
});

/** Everything that is recorded, but for refusals. */
async function portrait({ system }: World): Promise<unknown> {
  const all: unknown[] = [];
  for await (const address of system.addresses())
    for await (const { seq, event } of system.history(address))
      if (event.type !== 'heddle.refused') all.push([address, seq, event.type]);
  return all;
}

describe('an empty table', () => {
  it('refuses everything to everybody, the program too, and can be closed', async () => {
    const run = await open(actors, {});
    await run.system.start('counter', { id: 'a' });
    const governed = await run.reopen({ decider: roles({}) });
    const { system } = governed;
    const a = system.get('counter/a')!;
    const tried = [
      system.start('counter'),
      system.stop('counter/a'),
      a.send({ type: 'add', by: 1 }),
      system.pause(),
    ];
    for (const attempt of tried) expect(await rejection(attempt)).toBeInstanceOf(NotPermitted);
    const operator = system.as({ type: 'operator', id: 'o' });
    expect(await rejection(operator.get('counter/a')!.send({ type: 'add', by: 1 }))).toBeInstanceOf(
      NotPermitted,
    );
    const after = await governed.reopen({ decider: roles(ADD_ONLY) });
    await after.system.get('counter/a')!.send({ type: 'add', by: 1 });
    const finishing = after.system.get('counter/a')!.send({ type: 'finish' });
    expect(await rejection(finishing)).toMatchObject({ determining: [], reasons: ['no grant permits it'] });
    const refusals = await collect(after.system.refusals());
    expect(refusals.map(({ what, principal }) => `${what} by ${principal}`).toSorted()).toEqual([
      'pause by program main',
      'send by operator o',
      'send by program main',
      'send by program main',
      'start by program main',
      'stop by program main',
    ]);
  });
});

const ADD_ONLY = `
grants:
  - id: add
    to: { principals: [{ type: program, id: main }] }
    actions: [send]
    resources: [{ type: counter }]
    when: [{ of: action.properties.event, equals: add }]
`;

describe('on whose behalf', () => {
  it('is the program, or whom it names; a view gives refs that are asked for like it', async () => {
    const decider = new Played();
    const run = await open(actors, { decider, principal: { type: 'program', id: 'shop' } });
    await run.system.start('counter', { id: 'a' });
    const view = run.system.as(alice);
    await (await view.start('counter', { id: 'b' })).send({ type: 'add', by: 1 });
    await (await view.actor('counter', 'a')).send({ type: 'add', by: 1 });
    for await (const ref of view.query({ name: 'counter' })) await ref.send({ type: 'add', by: 1 });
    const fork = await view.fork('counter/a', { as: 'counter/c' });
    await fork.send({ type: 'add', by: 1 });
    await view.get('counter/a')!.system.get('counter/b')!.send({ type: 'add', by: 1 });
    const [first, ...rest] = decider.asked;
    expect(first!.principal).toEqual({ type: 'program', id: 'shop' });
    expect(rest).toHaveLength(8);
    expect(new Set(rest.map(({ principal }) => principal.id))).toEqual(new Set(['alice']));
    expect(view.get('counter/b')!.getSnapshot().context).toEqual({ count: 3 });
  });

  it('what a principal says of itself is a copy, and nonsense is refused', async () => {
    const decider = new Played();
    const { system } = await open(actors, { decider });
    const bob = { type: 'user', id: 'bob', properties: { tenant: 'acme' } };
    const view = system.as(bob);
    bob.properties.tenant = 'evil';
    bob.id = 'root';
    await view.start('counter', { id: 'a' });
    expect(decider.asked[0]!.principal).toEqual({ type: 'user', id: 'bob', properties: { tenant: 'acme' } });
    for (const nonsense of [
      undefined,
      {},
      { type: 'user' },
      { type: 'user', id: '' },
      { ...alice, roles: [] },
    ])
      expect(() => system.as(nonsense as never)).toThrow(/^principal\./);
  });

  it('what actors send is not asked for, but what else their effects do', async () => {
    const decider = new Played();
    const run = await open(actors, { decider });
    const a = await run.system.start('counter', { id: 'a' });
    const chat = await run.system.start('chatty', { id: 'c' });
    decider.asked.length = 0;
    for (const type of ['step', 'effect', 'run'] as const) await chat.send({ type });
    await run.settle();
    expect(a.getSnapshot().context.count).toBe(111);
    expect(decider.actions).toEqual(Array(3).fill('send chatty/c'));
    const meddler = fromCallback(() => {
      void run.system.stop('counter/a').catch(() => {});
    });
    const other = await open({ meddler, counter }, { decider });
    decider.answer = only('start');
    decider.asked.length = 0;
    const ref = await other.system.start('meddler', { id: 'm' });
    await other.settle();
    // An effect of another system is no actor of this one.
    expect(decider.asked.map(({ principal }) => principal.type)).toEqual(['program', 'program']);
    expect(ref.getSnapshot().status).toBe('active');
  });

  it('an effect that acts on its own system does so as its actor', async () => {
    const decider = new Played();
    let stop = (): Promise<void> => Promise.resolve();
    const meddler = fromCallback(() => void stop().catch(() => {}));
    const run = await open({ meddler, counter }, { decider });
    await run.system.start('counter', { id: 'a' });
    stop = () => run.system.stop('counter/a');
    await run.system.start('meddler', { id: 'm' });
    await run.settle();
    expect(decider.asked.at(-1)).toMatchObject({
      principal: { type: 'actor', id: 'meddler/m' },
      action: { name: 'stop' },
    });
  });

  it('a view cannot close the system', async () => {
    const { system } = await open(actors, {});
    const view = system.as({ type: 'operator', id: 'o' }) as typeof system;
    expect(await rejection(view.close())).toMatchObject({ code: 'HEDDLE_INVALID_ARGUMENT', path: 'close' });
    await system.start('counter', { id: 'a' });
  });
});

describe('without a decider', () => {
  it('the program and its operators may do everything, nobody else anything, and nothing more is recorded', async () => {
    const run = await open(actors, {});
    const { system } = run;
    expect(system.authority.isGoverned).toBe(false);
    const a = await system.start('counter', { id: 'a' });
    await a.send({ type: 'add', by: 1 });
    await system.as({ type: 'operator', id: 'o' }).get('counter/a')!.send({ type: 'add', by: 1 });
    for (const type of ['user', 'User', 'person', 'service']) {
      const view = system.as({ type, id: 'alice' });
      const error = await rejection(view.get('counter/a')!.send({ type: 'add', by: 1 }));
      expect(error).toBeInstanceOf(NotPermitted);
      expect(error.message).toContain('there is no decider');
      await expect(view.start('counter', { id: type })).rejects.toThrow(NotPermitted);
    }
    expect(a.getSnapshot().context.count).toBe(2);
    for (const { principal, decision } of await collect(system.history('counter/a')))
      expect([principal, decision]).toEqual([undefined, undefined]);
    const request = { action: { name: 'gate.open' }, resource: { type: 'gate', id: 'g' } };
    expect(system.authority.permit({ ...request, principal: { type: 'agent', id: 'writer' } })).toMatchObject(
      {
        effect: 'permit',
        determining: ['ungoverned'],
      },
    );
    expect(system.authority.permit({ ...request, principal: alice })).toMatchObject({ effect: 'deny' });
    expect(await system.authority.list(request)).toBeUndefined();
  });
});

describe('a decider that is broken', () => {
  const NONSENSE: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['true', true],
    ['no effect', { determining: ['a'], reasons: [], obligations: [] }],
    ['another effect', { ...PERMIT, effect: 'Permit' }],
    ['no determining', { ...PERMIT, determining: undefined }],
    ['determining that is a text', { ...PERMIT, determining: 'abc' }],
    ['an empty id', { ...PERMIT, determining: [''] }],
    ['an id that cannot be stored', { ...PERMIT, determining: ['\uD800'] }],
    ['reasons that are none', { ...PERMIT, reasons: [1] }],
    ['no obligations', { ...PERMIT, obligations: undefined }],
    ['an obligation without a type', { ...PERMIT, obligations: [{}] }],
    ['a promise of nonsense', Promise.resolve({ effect: 'permit' })],
    ['a rejection', Promise.reject(new Error('secret 4242'))],
    // oxlint-disable-next-line unicorn/no-thenable -- that is what is tried
    ['a thenable that throws', { then: () => boom() }],
    ['a hole among the obligations', { ...PERMIT, obligations: new Array(1) }],
    ['a hole among the determining', { ...PERMIT, determining: Object.assign(new Array(2), ['a']) }],
    ...['effect', 'determining', 'reasons', 'obligations', 'then'].map(
      (field) => [`a getter that throws: ${field}`, throwing(PERMIT, field)] as const,
    ),
    ['an obligation whose getter throws', { ...PERMIT, obligations: [throwing({}, 'type')] }],
    ['a promise of a getter that throws', Promise.resolve(throwing(PERMIT, 'effect'))],
    ['a rejection whose name throws', Promise.reject(throwing(new Error('secret 4242'), 'name'))],
  ];
  for (const [, value] of NONSENSE) if (value instanceof Promise) value.catch(() => {});

  it.each(NONSENSE)('permits nothing with %s, which is recorded', async (_, value) => {
    const decider = new Played();
    const run = await open(actors, { decider });
    const a = await run.system.start('counter', { id: 'a' });
    decider.answer = () => value;
    const error = await rejection(a.send({ type: 'add', by: 1 }));
    expect(error).toBeInstanceOf(NotPermitted);
    expect(error).toMatchObject({ retryable: true, determining: [] });
    expect(error.message).not.toContain('4242');
    expect(a.getSnapshot().context.count).toBe(0);
    expect(await collect(run.system.refusals())).toMatchObject([
      { what: 'send', code: 'HEDDLE_NOT_PERMITTED' },
    ]);
  });

  it('is heard once: what it says of its answer afterwards changes nothing', async () => {
    const decider = new Played();
    const { system } = await open(actors, { decider });
    const request = { principal: alice, action: { name: 'tool.call' }, resource: { type: 'tool', id: 't' } };
    const effects = ['permit', 'deny'];
    const given = {
      ...PERMIT,
      get effect() {
        return effects.shift();
      },
      obligations: [{ type: 'redact', labels: ['pii'] }],
    };
    decider.answer = () => given;
    const decision = await system.authority.permit(request, { meets: ['redact'] });
    given.obligations[0]!.labels.length = 0;
    given.obligations.length = 0;
    expect(decision).toEqual({
      ...PERMIT,
      determining: ['a', 'b'],
      obligations: [{ type: 'redact', labels: ['pii'] }],
    });
    expect(effects).toEqual(['deny']);
  });

  it('permits nothing when it throws, and the operator hears of it', async () => {
    const run = await open(actors, { decider: new Played(() => boom()) });
    const error = await rejection(run.system.start('counter', { id: 'a' }));
    expect(error).toMatchObject({ retryable: true, reasons: ['the decider threw a RangeError'] });
    expect(run.troubles).toHaveLength(1);
    expect(run.system.get('counter/a')).toBeUndefined();
  });

  it('permits nothing that it has not permitted in time, also when it does so later', async () => {
    const decider = new Played();
    const run = await open(actors, { decider, decideWithin: '2 seconds' });
    const a = await run.system.start('counter', { id: 'a' });
    let answer: (decision: Decision) => void = () => {};
    decider.answer = () => new Promise<Decision>((resolve) => (answer = resolve));
    const sent = rejection(a.send({ type: 'add', by: 1 }));
    await run.advance(1999);
    expect(run.troubles).toEqual([]);
    await run.advance(2);
    answer(PERMIT);
    expect(await sent).toMatchObject({
      retryable: true,
      reasons: ['the decider gave no answer within 2000 ms'],
    });
    await run.settle();
    expect(a.getSnapshot().context.count).toBe(0);
  });

  it('permits nothing without saying by what, and nothing with an obligation that nobody meets', async () => {
    const decider = new Played();
    const run = await open(actors, { decider });
    const a = await run.system.start('counter', { id: 'a' });
    decider.answer = () => ({ ...PERMIT, determining: [] });
    expect(await rejection(a.send({ type: 'add', by: 1 }))).toMatchObject({ retryable: false });
    const obligations = [{ type: 'redact', labels: ['pii'] }];
    decider.answer = () => ({ ...PERMIT, obligations });
    const error = await rejection(a.send({ type: 'add', by: 1 }));
    expect(error.message).toContain("'redact'");
    const request = { principal: alice, action: { name: 'tool.call' }, resource: { type: 'tool', id: 't' } };
    const { authority } = run.system;
    expect(authority.permit(request)).toMatchObject({ effect: 'deny', determining: ['a', 'b'] });
    expect(authority.permit(request, { meets: ['redact'] })).toMatchObject({ effect: 'permit', obligations });
    expect(a.getSnapshot().context.count).toBe(0);
  });

  it.each([
    {},
    { decide: 7, hash: 'x' },
    { decide: () => PERMIT },
    { decide: () => PERMIT, hash: '' },
    'roles',
  ])('is not opened with: %o', async (decider) => {
    const opening = createSystem({ store: memory(), actors, decider: decider as never });
    expect(await rejection(opening)).toMatchObject({ code: 'HEDDLE_INVALID_ARGUMENT' });
  });
});

describe('a decider that answers later', () => {
  it('is asked without waiting for the one before, and events are taken in the order in which they were sent', async () => {
    const answers: (() => void)[] = [];
    const decider = new Played();
    const run = await open({ log }, { decider });
    const ref = await run.system.start('log', { id: 'l' });
    decider.answer = ({ action }) =>
      action.properties?.['event'] === 'now'
        ? PERMIT
        : new Promise((resolve) => answers.push(() => resolve(PERMIT)));
    const sent = ['a', 'b', 'now', 'c'].map((type) => ref.send({ type }));
    await ticks();
    expect(answers).toHaveLength(3);
    answers.toReversed().forEach((answer) => answer());
    await Promise.all(sent);
    expect(ref.getSnapshot().context.seen).toEqual(['a', 'b', 'now', 'c']);
    await ref.send({ type: 'now' });
    expect(ref.getSnapshot().context.seen).toHaveLength(5);
  });

  it('holds no more than a mailbox, and a refusal holds up nobody', async () => {
    const answers: ((decision: Decision) => void)[] = [];
    const decider = new Played();
    const run = await open({ log }, { decider, mailbox: { capacity: 3 } });
    const ref = await run.system.start('log', { id: 'l' });
    decider.answer = () => new Promise<Decision>((resolve) => answers.push(resolve));
    const sent = ['a', 'b', 'c', 'd'].map((type) => ref.send({ type }));
    expect(await rejection(sent[3]!)).toMatchObject({ code: 'HEDDLE_MAILBOX_FULL' });
    answers.forEach((answer, i) => answer(i === 1 ? DENY : PERMIT));
    expect(await rejection(sent[1]!)).toBeInstanceOf(NotPermitted);
    await Promise.all([sent[0], sent[2]]);
    expect(ref.getSnapshot().context.seen).toEqual(['a', 'c']);
  });

  it('does nothing in a system that has closed meanwhile, and starts nobody twice', async () => {
    const answers: (() => void)[] = [];
    const decider = new Played(() => new Promise((resolve) => answers.push(() => resolve(PERMIT))));
    const run = await open(actors, { decider });
    const both = [run.system.actor('counter', 'a'), run.system.actor('counter', 'a')];
    await ticks();
    answers.splice(0).forEach((answer) => answer());
    const [one, other] = [await both[0]!, await both[1]!];
    expect(one.address).toBe(other.address);
    expect(await collect(run.system.history('counter/a'))).toHaveLength(1);
    const late = [
      run.system.start('counter', { id: 'b' }),
      one.send({ type: 'add', by: 1 }),
      run.system.stop('counter/a'),
      run.system.schedules.declare({ id: 's', start: 'counter', every: '1 day' }),
    ].map(rejection);
    await ticks();
    await run.system.close();
    answers.forEach((answer) => answer());
    for (const error of await Promise.all(late))
      expect(error).toMatchObject({ code: 'HEDDLE_SYSTEM_CLOSED' });
  });
});

const log = fromTransition(
  (state: { readonly seen: readonly string[] }, { type }) => ({ seen: [...state.seen, type] }),
  { seen: [] },
);

/** An object with a field that throws when it is asked for. */
function throwing(object: object, field: string): object {
  return Object.defineProperty(object instanceof Error ? object : { ...object }, field, {
    get: () => boom(),
  });
}

/** What is given, watched in all its parts: every look at it is told. */
function watched<T extends object>(given: T, look: () => void): T {
  return new Proxy(given, {
    get(target, key) {
      look();
      const found: unknown = Reflect.get(target, key);
      return typeof found === 'object' && found !== null ? watched(found, look) : found;
    },
    ownKeys(target) {
      look();
      return Reflect.ownKeys(target);
    },
  });
}

/** Every way in that is given an object: that, and what is done with it. */
const GIVEN: readonly (readonly [
  action: string,
  given: () => object,
  run: (view: View, given: never) => Promise<unknown>,
])[] = [
  ['start', () => ({ id: 'new', input: { n: 1 } }), (view, given) => view.start('counter', given)],
  ['start', () => ({ input: { n: 1 } }), (view, given) => view.actor('counter', 'new', given)],
  ['send', () => ({ type: 'add', by: 1 }), (view, given) => view.get('counter/a')!.send(given)],
  [
    'send',
    () => ({ id: 'once' }),
    (view, given) => view.get('counter/a')!.send({ type: 'add', by: 1 }, given),
  ],
  [
    'fork',
    () => ({ at: 1, as: 'counter/c', by: 'x', with: { event: { type: 'add', by: 1 } } }),
    (view, given) => view.fork('counter/a', given),
  ],
  [
    'import',
    () => ({ history: exportedText, as: 'counter/i', by: 'x' }),
    (view, given) => view.import(given),
  ],
  ['export', () => ({ to: 1 }), (view, given) => view.export('counter/a', given)],
  ['export', () => ({ actors: './actors.ts' }), (view, given) => view.fixture('counter/a', given)],
  ['pause', () => ({ address: 'counter/a' }), (view, given) => view.pause(given)],
  ['pause', () => ({ by: 'x', reason: 'y' }), (view, given) => view.pause({ name: 'counter' }, given)],
  ['resume', () => ({ address: 'counter/b' }), (view, given) => view.resume(given)],
  ['resume', () => ({ by: 'x', reason: 'y' }), (view, given) => view.resume({ address: 'counter/b' }, given)],
  [
    'discard',
    () => ({ by: 'x', reason: 'y' }),
    async (view, given) => view.deadLetters().discard(await letterIn(view), given),
  ],
  [
    'retry',
    () => ({ by: 'x' }),
    async (view, given) => view.deadLetters().retry(await letterIn(view), given),
  ],
  ['migrate', () => ({ name: 'counter' }), (view, given) => view.migrate(given)],
  ['backup', () => ({ damaged: true }), (view, given) => view.backup(temporaryFolder('backup'), given)],
  [
    'child.start',
    () => ({ id: 'more', start: 'counter', input: { n: 1 } }),
    (view, given) => view.supervisor('s').startChild(given),
  ],
  [
    'schedule.declare',
    () => ({ id: 'week', start: 'counter', every: '7 days', input: { n: 1 } }),
    (view, given) => view.schedules.declare(given),
  ],
  [
    'schedule.declare',
    () => ({ id: 'week', start: 'counter', cron: '0 9 * * *', input: { n: 1 } }),
    (view, given) => view.schedules.declare(given),
  ],
  ['schedule.trigger', () => ({ by: 'x' }), (view, given) => view.schedules.trigger('day', given)],
  ['schedule.delete', () => ({ by: 'x' }), (view, given) => view.schedules.delete('day', given)],
  [
    'halt',
    () => ({ kind: 'halt', key: 'k', content: { agent: 'a' } }),
    (view, given) => view.orders.give(given, { reason: 'y' }, HALTING),
  ],
  [
    'halt',
    () => ({ by: 'x', reason: 'y' }),
    (view, given) => view.orders.give({ kind: 'halt', key: 'k', content: 1 }, given, HALTING),
  ],
  [
    'halt',
    () => ({ kind: 'halt', key: 'k' }),
    (view, given) => view.orders.withdraw(given, { reason: 'y' }, HALTING),
  ],
];
const HALTING = { action: 'halt', resource: { type: 'system', id: '*' } } as const;

describe('what is permitted late', () => {
  it.each(GIVEN.map(([action, given, run]) => [action, JSON.stringify(given()), given, run] as const))(
    'is what was asked for: of what is given with it nothing is looked at again: %s %s',
    async (action, _, given, run) => {
      const decider = new Played();
      const world = await prepared(decider, { store: /^(send|backup)/.test(action) ? onDisk() : memory() });
      exportedText = await world.system.export('counter/a');
      await world.system.pause({ address: 'counter/b' });
      let answer = (): void => {};
      let looks = 0;
      let looksBefore: number | undefined;
      decider.answer = () => {
        looksBefore = looks;
        return new Promise((resolve) => (answer = () => resolve(PERMIT)));
      };
      decider.asked.length = 0;
      const done = run(world.system.as(alice), watched(given(), () => looks++) as never).catch(
        (error: unknown) => expect(error).not.toBeInstanceOf(NotPermitted),
      );
      while (looksBefore === undefined) await ticks();
      answer();
      await done;
      expect(decider.asked.map(({ action: { name } }) => name)).toEqual([action]);
      expect(looksBefore).toBeGreaterThan(0);
      expect(looks).toBe(looksBefore);
    },
  );

  it('is what was asked for: a fork under the name that was permitted', async () => {
    const decider = new Played();
    const { system } = await open(actors, { decider });
    await system.start('counter', { id: 'a' });
    let answer = (): void => {};
    decider.answer = () => new Promise((resolve) => (answer = () => resolve(PERMIT)));
    const options = { as: 'counter/permitted' };
    const forking = system.fork('counter/a', options);
    options.as = 'counter/other';
    await ticks();
    answer();
    expect((await forking).address).toBe('counter/permitted');
    expect(system.get('counter/other')).toBeUndefined();
  });
});

describe('what was decided', () => {
  it('is not asked for again: by a replay, a crash, or the past', async () => {
    const decider = new Played();
    const run = await prepared(decider, { store: onDisk() });
    await run.system.get('counter/a')!.send({ type: 'add', by: 1 }, { id: 'once' });
    const after = await run.crash();
    decider.answer = () => DENY;
    decider.asked.length = 0;
    expect(await collect(after.system.replayAll())).not.toContainEqual(
      expect.objectContaining({ same: false }),
    );
    await after.system.snapshotAt('counter/a', 2);
    await after.system.past('counter/a', 2);
    expect(after.system.get('counter/a')!.getSnapshot().context.count).toBe(1);
    expect(decider.asked).toEqual([]);
  });

  it('is asked for by whoever sends again under the same id', async () => {
    const decider = new Played();
    const run = await open(actors, { decider });
    const a = await run.system.start('counter', { id: 'a' });
    const receipt = await a.send({ type: 'add', by: 1 }, { id: 'once' });
    expect(await a.send({ type: 'add', by: 1 }, { id: 'once' })).toEqual(receipt);
    decider.answer = () => DENY;
    expect(await rejection(a.send({ type: 'add', by: 1 }, { id: 'once' }))).toBeInstanceOf(NotPermitted);
  });

  it('can be decided by the type of the event, the time, and the address', async () => {
    const decider = new Played();
    const run = await open(actors, { decider });
    const a = await run.system.start('counter', { id: 'a/b' });
    await a.send({ type: 'add', by: 1 });
    expect(decider.asked.at(-1)).toEqual({
      principal: { type: 'program', id: 'main' },
      action: { name: 'send', properties: { event: 'add' } },
      resource: { type: 'counter', id: 'a%2Fb', properties: { address: 'counter/a%2Fb' } },
      context: { at: run.clock.now() },
    });
  });

  it('can be decided by whether a fork is what its original was', async () => {
    const decider = new Played(({ action }) => (action.properties?.['changed'] === true ? DENY : PERMIT));
    const { system } = await open(actors, { decider });
    await system.start('counter', { id: 'a' });
    const state = () => ({});
    expect(await rejection(system.fork('counter/a', { as: 'counter/b', with: { state } }))).toBeInstanceOf(
      NotPermitted,
    );
    await system.fork('counter/a', { as: 'counter/b', with: { event: ADD_ONE } });
    expect(decider.asked.at(-1)!.action).toEqual({
      name: 'fork',
      properties: { as: 'counter/b', changed: false },
    });
  });

  it('stands in the record of a failure, with its dead letter, and goes with an export', async () => {
    const failing = { fragile: (await import('heddle')).durable(fragile, { poison: 'fail' }) };
    const run = await open(failing, { decider: new Played() });
    const ref = await run.system.start('fragile', { id: 'f' });
    await rejection(run.system.as(alice).get('fragile/f')!.send({ type: 'boom' }));
    const records = await collect(run.system.history(ref.address));
    expect(records.at(-1)).toMatchObject({ event: { type: 'boom' }, principal: { id: 'alice' } });
    expect(await collect(run.system.deadLetters())).toMatchObject([
      { warrant: { principal: { type: 'user', id: 'alice' }, determining: ['a', 'b'], decider: 'played' } },
    ]);
    const history = await run.system.export(ref.address);
    await run.system.import({ history, as: 'fragile/g' });
    expect(await collect(run.system.history('fragile/g'))).toMatchObject([{ principal: { id: 'main' } }]);
  });

  it('what was sent does not change while it is decided', async () => {
    const decider = new Played();
    const run = await open(actors, { decider });
    const a = await run.system.start('counter', { id: 'a' });
    let answer = (): void => {};
    decider.answer = () => new Promise((resolve) => (answer = () => resolve(PERMIT)));
    const event = { type: 'add' as const, by: 1 };
    const sent = a.send(event);
    event.by = 1000;
    await ticks();
    answer();
    await sent;
    expect(a.getSnapshot().context.count).toBe(1);
  });
});

describe('who may', () => {
  it('is said by the decider, or by nobody', async () => {
    const entitled = [{ principal: alice, determining: ['a'], depends: [] }];
    const request = { action: { name: 'review.approve' }, resource: { type: 'review', id: 'r' } };
    const lists = Object.assign(new Played(), { list: () => entitled });
    const run = await open(actors, { decider: lists });
    expect(await run.system.authority.list(request)).toEqual(entitled);
    const fails = Object.assign(new Played(), { list: () => boom() });
    const other = await open(actors, { decider: fails });
    expect(await other.system.authority.list(request)).toBeUndefined();
    expect(other.troubles).toHaveLength(1);
  });
});
