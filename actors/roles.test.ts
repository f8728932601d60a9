// The lie: "in doubt it says no". Nine cases of a bank, each with its rows; what is missing or of another type in every statement;
// who may; and tables whose meaning must not depend on how they are written.
import { describe, expect, it } from 'vitest';
import type { AccessRequest, Attributes } from '../runtime/index.ts';
import { roles } from './roles.ts';
import type { RolesTable } from './roles/table.ts';

const NOW = Date.UTC(2026, 10, 21, 12);
const minutesAgo = (minutes: number): number => NOW - minutes * 60_000;

/** Five themes: approving, four eyes, limits, data that must not go out, spending and where it is done. */
const BANK = `
attributes:
  principal.properties.tenant: text
  principal.properties.approvalLimit: integer
  principal.properties.mfaAt: time
  principal.properties.tools: texts
  principal.properties.clearance: texts
  resource.properties.tenant: text
  resource.properties.amount: integer
  resource.properties.external: boolean
  resource.properties.region: text
  resource.properties.retentionDays: integer
  context.labels: texts
  context.cost: integer
  context.runSpend: integer
  context.runLimit: integer
  resource.properties.headroom: integer
roles:
  credit-officer: {}
  head-of-credit: { includes: [credit-officer] }
  researcher: {}
members:
  - { who: { type: user, id: alice }, roles: [credit-officer], properties: { tenant: acme, approvalLimit: 400000 } }
  - { who: { type: user, id: bob }, roles: [head-of-credit], properties: { tenant: acme, approvalLimit: 900000 } }
  - { who: { type: user, id: carol }, roles: [credit-officer], properties: { tenant: other, approvalLimit: 400000 } }
  - { who: { type: user, id: dave }, properties: { tenant: acme, approvalLimit: 900000 } }
  - { who: { type: agent, id: 'research-*' }, roles: [researcher] }
grants:
  - id: gate-approve-rbac
    to: { roles: [credit-officer] }
    actions: [review.approve]
    resources: [{ type: review, id: 'loan/*' }]
    when: [{ sameTenant: true }]
  - id: tool-allow-list
    to: { roles: [researcher] }
    actions: [tool.call]
    resources: [{ type: tool, id: search }, { type: tool, id: 'mail.*' }]
    obligations: [{ type: redact, labels: [pii] }]
  - id: model-use
    to: { roles: [researcher] }
    actions: [agent.call]
    resources: [{ type: model }]
forbid:
  - id: gate-four-eyes
    actions: [review.approve]
    when: [{ isInitiator: true }]
    reason: whoever has started it does not approve it
  - id: gate-limit
    actions: [review.approve]
    when: [{ of: resource.properties.amount, moreThan: { of: principal.properties.approvalLimit } }]
  - id: gate-step-up
    actions: [review.approve]
    when: [{ of: principal.properties.mfaAt, olderThan: 15 minutes }]
  - id: tool-no-exfil
    actions: [tool.call]
    resources: [{ type: tool, properties: { external: true } }]
    when: [{ of: context.labels, overlaps: [pii, phi, mnpi] }]
  - id: spend-limits
    actions: [agent.call]
    when: [{ of: context.cost, moreThan: { of: resource.properties.headroom } }]
  - id: data-residency
    actions: [agent.call]
    when: [{ of: context.labels, contains: phi }, { of: resource.properties.region, differs: eu }]
  - id: zero-retention
    actions: [agent.call]
    when: [{ of: context.labels, contains: phi }, { of: resource.properties.retentionDays, moreThan: 0 }]
`;
const bank = roles(BANK);

const approve = (who: string, principal: Attributes = {}, resource: Attributes = {}): AccessRequest => ({
  principal: { type: 'user', id: who, properties: { mfaAt: minutesAgo(5), ...principal } },
  action: { name: 'review.approve' },
  resource: {
    type: 'review',
    id: 'loan/7',
    properties: { tenant: 'acme', amount: 400_000, initiator: 'erin', ...resource },
  },
  context: { at: NOW },
});
const callTool = (tool: string, external: unknown, labels: unknown): AccessRequest => ({
  principal: { type: 'agent', id: 'research-1' },
  action: { name: 'tool.call' },
  resource: { type: 'tool', id: tool, properties: { external } },
  context: { at: NOW, labels },
});
const callModel = (properties: Attributes, context: Attributes): AccessRequest => ({
  principal: { type: 'agent', id: 'research-1' },
  action: { name: 'agent.call' },
  resource: {
    type: 'model',
    id: 'm',
    properties: { region: 'eu', retentionDays: 0, headroom: 100, ...properties },
  },
  context: { at: NOW, labels: [], cost: 10, ...context },
});

const shortly = (request: AccessRequest): readonly [string, readonly string[]] => {
  const { effect, determining } = bank.decide(request);
  return [effect, determining];
};

describe('a bank', () => {
  it.each([
    ['alice approves', approve('alice'), 'permit', ['gate-approve-rbac']],
    ['bob approves, whose role includes hers', approve('bob'), 'permit', ['gate-approve-rbac']],
    [
      'bob approves what he has started',
      approve('bob', {}, { initiator: 'bob' }),
      'deny',
      ['gate-four-eyes'],
    ],
    [
      'alice has shown herself too long ago',
      approve('alice', { mfaAt: minutesAgo(16) }),
      'deny',
      ['gate-step-up'],
    ],
    ['alice approves more than she may', approve('alice', {}, { amount: 400_001 }), 'deny', ['gate-limit']],
    ['dave has no role', approve('dave'), 'deny', []],
    ['carol is of another tenant', approve('carol'), 'deny', []],
    ['a tool that is listed', callTool('search', true, ['public']), 'permit', ['tool-allow-list']],
    ['a tool that is not listed', callTool('shell', false, []), 'deny', []],
    ['data of persons to somebody outside', callTool('mail.send', true, ['pii']), 'deny', ['tool-no-exfil']],
    ['data of persons inside', callTool('mail.send', false, ['pii']), 'permit', ['tool-allow-list']],
    ['within the budget', callModel({}, {}), 'permit', ['model-use']],
    ['beyond the budget', callModel({}, { cost: 101 }), 'deny', ['spend-limits']],
    [
      'health data to a model elsewhere that keeps it',
      callModel({ region: 'us', retentionDays: 30 }, { labels: ['phi'] }),
      'deny',
      ['data-residency', 'zero-retention'],
    ],
  ] as const)('%s', (_, request, effect, determining) => {
    expect(shortly(request)).toEqual([effect, determining]);
  });

  it.each([
    ['a cost that is no whole number', callModel({}, { cost: 10.5 }), 'spend-limits'],
    ['a cost that is a text', callModel({}, { cost: '10' }), 'spend-limits'],
    ['a cost that overflows', callModel({}, { cost: 2 ** 60 }), 'spend-limits'],
    ['no cost', callModel({}, { cost: undefined }), 'spend-limits'],
    ['a cost that is nothing', callModel({}, { cost: null }), 'spend-limits'],
    ['no headroom', callModel({ headroom: undefined }, {}), 'spend-limits'],
    ['labels that are a text', callTool('search', true, 'public'), 'tool-no-exfil'],
    ['no labels', callTool('search', true, undefined), 'tool-no-exfil'],
    ['nobody knows whether it is outside', callTool('search', undefined, ['pii']), 'tool-no-exfil'],
    ['nobody knows who has started it', approve('alice', {}, { initiator: undefined }), 'gate-four-eyes'],
    [
      'nobody can read who has started it',
      approve('alice', {}, { initiator: { id: 'x' } }),
      'gate-four-eyes',
    ],
    ['she has shown herself in the future', approve('alice', { mfaAt: NOW + 1 }), 'gate-step-up'],
    ['she has never shown herself', approve('alice', { mfaAt: undefined }), 'gate-step-up'],
    ['nobody knows what time it is', { ...approve('alice'), context: {} }, 'gate-step-up'],
  ])('in doubt forbids: %s', (_, request, row) => {
    const { effect, determining, reasons } = bank.decide(request);
    expect([effect, determining]).toEqual(['deny', [row]]);
    expect(reasons.join()).toMatch(/as far as can be told without|whoever has started it/);
  });

  it('in doubt does not grant: nobody knows whose loan it is', () => {
    expect(shortly(approve('alice', {}, { tenant: undefined }))).toEqual(['deny', []]);
    expect(shortly(approve('alice', {}, { tenant: 7 }))).toEqual(['deny', []]);
  });

  it('believes its table more than the request', () => {
    const MAY = { tenant: 'acme', approvalLimit: 10 ** 6 };
    const request = approve('alice', { approvalLimit: 10 ** 9, tenant: 'other' }, { amount: 500_000 });
    expect(shortly(request)).toEqual(['deny', ['gate-limit']]);
    expect(bank.decide(approve('mallory', { ...MAY, roles: ['credit-officer'] })).effect).toBe('deny');
    expect(shortly({ ...approve('alice'), principal: { type: 'agent', id: 'alice' } })[0]).toBe('deny');
  });

  it('asks for what the rows that permit ask for', () => {
    const { obligations } = bank.decide(callTool('search', false, []));
    expect(obligations).toEqual([{ type: 'redact', labels: ['pii'] }]);
    expect(bank.decide(callTool('mail.x', true, ['pii'])).obligations).toEqual([]);
  });

  it('every row makes a difference: without it one of the cases is decided otherwise', () => {
    const table = { ...plain(bankTable) };
    const cases = [
      approve('alice'),
      approve('bob', {}, { initiator: 'bob' }),
      approve('alice', { mfaAt: minutesAgo(16) }),
      approve('alice', {}, { amount: 400_001 }),
      callTool('search', true, ['public']),
      callTool('mail.send', true, ['pii']),
      callModel({}, {}),
      callModel({}, { cost: 101 }),
      callModel({ region: 'us' }, { labels: ['phi'] }),
      callModel({ retentionDays: 30 }, { labels: ['phi'] }),
    ];
    const outcome = (decider: { decide: typeof bank.decide }): unknown =>
      cases.map((one) => decider.decide(one).effect);
    const whole = outcome(roles(table));
    let dropped = 0;
    for (const list of ['grants', 'forbid'] as const)
      for (const row of table[list]!) {
        dropped++;
        const without = roles({ ...table, [list]: table[list]!.filter((one) => one !== row) });
        expect([row.id, outcome(without)]).not.toEqual([row.id, whole]);
        expect(without.hash).not.toBe(bank.hash);
      }
    expect(dropped).toBe(10);
  });
});

const bankTable = await import('yaml').then(({ parse }) => parse(BANK) as RolesTable);
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('who may', () => {
  const { action, resource, context } = approve('anybody');
  const list = (properties: Attributes = {}) =>
    bank.list({
      action,
      resource: { ...resource, properties: { ...resource.properties, ...properties } },
      context: context!,
    });

  it('is listed, with what it depends on that the table cannot know', () => {
    expect(list()).toEqual(
      ['alice', 'bob'].map((id) => ({
        principal: { type: 'user', id },
        determining: ['gate-approve-rbac'],
        depends: ['principal.properties.mfaAt'],
      })),
    );
    expect(list({ initiator: 'bob' }).map(({ principal }) => principal.id)).toEqual(['alice']);
    expect(list({ initiator: [{ type: 'user', id: 'alice' }, 'bob'] })).toEqual([]);
    expect(list({ amount: 400_001 }).map(({ principal }) => principal.id)).toEqual(['bob']);
  });

  it('is listed by patterns too, and everyone as everyone', () => {
    const tool = callTool('search', true, ['public']);
    expect(bank.list(tool)).toEqual([
      { principal: { type: 'agent', id: 'research-*' }, determining: ['tool-allow-list'], depends: [] },
    ]);
    const open = roles({
      grants: [{ id: 'all', to: 'everyone', actions: ['read'], resources: 'any' }],
      forbid: [{ id: 'not-eve', to: { principals: [{ type: 'user', id: 'eve' }] }, actions: ['*'] }],
    });
    const request = { action: { name: 'read' }, resource: { type: 'x', id: '1' } };
    expect(open.list(request)).toEqual([
      { principal: { type: '*', id: '*' }, determining: ['all'], depends: [] },
    ]);
    expect(open.decide({ ...request, principal: { type: 'user', id: 'eve' } }).determining).toEqual([
      'not-eve',
    ]);
    expect(open.decide({ ...request, principal: { type: 'user', id: 'eva' } }).effect).toBe('permit');
  });

  it('of those known by what they bring along depends on that', () => {
    const byGroup = roles({
      roles: { reader: {} },
      members: [{ who: { type: 'user', id: '*', properties: { group: 'staff' } }, roles: ['reader'] }],
      grants: [{ id: 'r', to: { roles: ['reader'] }, actions: ['read'], resources: [{ type: '*' }] }],
    });
    const request = { action: { name: 'read' }, resource: { type: 'x', id: '1' } };
    expect(byGroup.list(request)).toEqual([
      { principal: { type: 'user', id: '*' }, determining: ['r'], depends: ['principal.properties.group'] },
    ]);
    const asks = (properties?: Attributes) =>
      byGroup.decide({
        ...request,
        principal: { type: 'user', id: 'zoe', ...(properties && { properties }) },
      }).effect;
    expect([asks(), asks({ group: 'guests' }), asks({ group: ['staff'] }), asks({ group: 'staff' })]).toEqual(
      ['deny', 'deny', 'deny', 'permit'],
    );
  });
});

describe('a grant with obligations', () => {
  const table = roles({
    grants: [
      { id: 'all', to: 'everyone', actions: ['pay'], resources: 'any', reason: 'it is paid' },
      {
        ...{ id: 'large', to: 'everyone', actions: ['pay'], resources: 'any' },
        when: [{ of: 'action.properties.amount', moreThan: 1000 }],
        obligations: [{ type: 'gate', role: 'treasurer' }],
      },
      { id: 'alone', to: 'everyone', actions: ['send'], resources: 'any', obligations: [{ type: 'reason' }] },
      {
        ...{ id: 'silent', to: 'everyone', actions: ['read'], resources: 'any' },
        when: [{ of: 'action.properties.amount', moreThan: 1000 }],
        obligations: [{ type: 'notify' }],
      },
    ],
  });
  const request = (name: string, properties: Attributes): AccessRequest => ({
    principal: { type: 'user', id: 'zoe' },
    action: { name, properties },
    resource: { type: 'account', id: '1' },
  });
  const obligations = [{ type: 'gate', role: 'treasurer' }];

  it.each([['5000'], [null], [undefined], [[5000]], [Number.NaN], [{}]])(
    'obliges where it cannot be told whether it applies: an amount of %j',
    (amount) => {
      expect(table.decide(request('pay', { amount }))).toEqual({
        ...{ effect: 'permit', determining: ['all', 'large'], obligations },
        reasons: ['it is paid', 'large obliges, as far as can be told without action.properties.amount'],
      });
    },
  );

  it('obliges nobody where it can be told that it does not apply, and everybody where it does', () => {
    expect(table.decide(request('pay', { amount: 1000 }))).toMatchObject({
      ...{ determining: ['all'], obligations: [] },
    });
    expect(table.decide(request('pay', { amount: 1001 }))).toMatchObject({
      ...{ determining: ['all', 'large'], obligations },
    });
  });

  it('permits nothing where it only obliges', () => {
    expect(table.decide(request('read', { amount: '5000' }))).toMatchObject({
      ...{ effect: 'deny', determining: [], obligations: [] },
    });
    expect(table.decide(request('send', {}))).toMatchObject({ effect: 'permit', determining: ['alone'] });
  });

  it('is explained: whether it only obliges', () => {
    const row = (amount: unknown) =>
      table.explain(request('pay', { amount })).rows.find(({ id }) => id === 'large');
    expect(row('5000')).toMatchObject({ applies: false, obliges: true });
    expect(row(5000)).toMatchObject({ applies: true });
    expect([row(5000), row(1)].map((one) => one?.obliges)).toEqual([undefined, undefined]);
  });
});

describe('an explanation', () => {
  it('says which rows apply, and why the others do not', () => {
    const { effect, rows } = bank.explain(approve('carol', {}, { amount: 1 }));
    expect(effect).toBe('deny');
    const row = (id: string) => rows.find((one) => one.id === id);
    expect(row('gate-approve-rbac')).toEqual({
      ...{ id: 'gate-approve-rbac', kind: 'grant', applies: false },
      because: ['does not hold: sameTenant'],
    });
    expect(row('model-use')!.because[0]).toBe('does not hold: action.name is agent.call');
    expect(
      bank.explain(approve('alice', { mfaAt: 'now' })).rows.find(({ id }) => id === 'gate-step-up'),
    ).toEqual({
      ...{ id: 'gate-step-up', kind: 'forbid', applies: true },
      because: [
        'cannot be told: principal.properties.mfaAt olderThan "15 minutes" (without principal.properties.mfaAt)',
      ],
    });
  });
});

describe('a table', () => {
  it('that is empty permits nothing', () => {
    for (const empty of [roles({}), roles('{}'), roles('grants: []\n')])
      expect(empty.decide(approve('alice'))).toEqual({
        ...{ effect: 'deny', determining: [], obligations: [] },
        reasons: ['no grant permits it'],
      });
  });

  it('has a hash of what it says, and not of how', () => {
    const one = roles({ roles: { a: {} }, grants: [], forbid: [] });
    expect(one.hash).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(roles('forbid: []  # nothing\ngrants: []\n\nroles: {"a": {}}').hash).toBe(one.hash);
    expect(roles(JSON.stringify({ roles: { a: {} }, forbid: [], grants: [] })).hash).toBe(one.hash);
    expect(roles({ roles: { b: {} }, grants: [], forbid: [] }).hash).not.toBe(one.hash);
    expect(roles(plain(bankTable)).hash).toBe(bank.hash);
  });

  it('does not change with the object it was made from', () => {
    const table = plain(bankTable);
    const decider = roles(table);
    (table.forbid as unknown[]).length = 0;
    (table.grants![0]!.actions as string[])[0] = '*';
    expect(decider.decide(approve('bob', {}, { initiator: 'bob' })).effect).toBe('deny');
  });

  it('takes texts from outside for what they are, and not for keys of objects', () => {
    const table = roles({
      grants: [
        {
          id: 'g',
          to: 'everyone',
          actions: ['a'],
          resources: 'any',
          when: [{ of: 'context.constructor.name', equals: 'Object' }],
        },
      ],
    });
    const request = {
      principal: { type: 'user', id: '__proto__' },
      action: { name: 'a' },
      resource: { type: 'x', id: 'y' },
    };
    expect(table.decide({ ...request, context: {} }).effect).toBe('deny');
  });
});
