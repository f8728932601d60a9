// The lie: "everything that is wrong with a table is found when it is read, and said where it stands". Each kind of mistake by itself,
// and many at once; a table with a mistake must make no decider.
import { describe, expect, it } from 'vitest';
import { InvalidRoles, roles } from '../roles.ts';
import type { RolesTable } from './table.ts';

const GRANT = { id: 'g', to: 'everyone', actions: ['send'], resources: 'any' } as const;

function problemsOf(table: unknown): readonly string[] {
  try {
    roles(table as RolesTable);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidRoles);
    return (error as InvalidRoles).problems.map(({ path, problem }) => `${path} ${problem}`);
  }
  return [];
}

const when = (...conditions: unknown[]): unknown => ({ grants: [{ ...GRANT, when: conditions }] });
const declaring = (condition: unknown): unknown => ({
  attributes: {
    'context.runSpend': 'integer',
    'context.tenant': 'text',
    'principal.properties.mfaAt': 'time',
  },
  ...(when(condition) as object),
});

describe('a mistake', () => {
  it.each<readonly [unknown, string]>([
    [7, ' must be an object'],
    [null, ' must be an object'],
    [{ grant: [] }, 'grant is not known; did you mean grants?'],
    [{ grants: {} }, 'grants must be a list, but is an object'],
    [{ grants: [{ ...GRANT, id: '' }] }, 'grants[0].id must be a text that is not empty'],
    [{ grants: [GRANT, GRANT] }, "grants must not have the id 'g' twice"],
    [{ grants: [GRANT], forbid: [{ id: 'g', actions: ['a'] }] }, "forbid must not have the id 'g' twice"],
    [{ grants: [{ ...GRANT, when: 7 }] }, 'grants[0].when must be a list'],
    [{ grants: [{ ...GRANT, conditions: [] }] }, 'grants[0].conditions is not known'],
    [{ grants: [{ ...GRANT, to: undefined }] }, "grants[0].to must be 'everyone', or { roles, principals }"],
    [{ grants: [{ ...GRANT, to: {} }] }, 'grants[0].to names nobody'],
    [{ grants: [{ ...GRANT, to: { roles: [] } }] }, 'grants[0].to names nobody'],
    [{ grants: [{ ...GRANT, to: { role: ['a'] } }] }, 'grants[0].to.role is not known; did you mean roles?'],
    [
      { roles: { admin: {} }, grants: [{ ...GRANT, to: { roles: ['admn'] } }] },
      "grants[0].to.roles[0] is no role of this table: 'admn'; did you mean admin?",
    ],
    [{ grants: [{ ...GRANT, resources: undefined }] }, "grants[0].resources must be 'any', or a list"],
    [{ grants: [{ ...GRANT, resources: [] }] }, "grants[0].resources must be 'any', or a list"],
    [{ grants: [{ ...GRANT, resources: [{ type: 'or*' }] }] }, 'grants[0].resources[0].type must be a name'],
    [
      { grants: [{ ...GRANT, resources: [{ type: 'order', properties: { a: [] } }] }] },
      'grants[0].resources[0].properties.a must be a text, a number or a boolean',
    ],
    [{ grants: [{ ...GRANT, actions: [] }] }, 'grants[0].actions must be a list that is not empty'],
    [
      { grants: [{ ...GRANT, actions: ['re*iew'] }] },
      "grants[0].actions[0] must be a name, 'review.*' or '*'",
    ],
    [{ grants: [{ ...GRANT, actions: ['review*'] }] }, 'grants[0].actions[0] must be a name'],
    [{ grants: [{ ...GRANT, obligations: [{}] }] }, 'grants[0].obligations[0].type must be a text'],
    [{ forbid: [{ id: 'f', actions: ['a'], obligations: [] }] }, 'forbid[0].obligations is not known'],
    [{ roles: { a: { includes: ['b'] } } }, "roles.a.includes[0] is no role of this table: 'b'"],
    [{ roles: { a: { includes: ['a'] } } }, 'roles.a includes itself: a → a'],
    [
      { roles: { a: { includes: ['b'] }, b: { includes: ['c'] }, c: { includes: ['a'] } } },
      'roles.a includes itself: a → b → c → a',
    ],
    [{ roles: { 'a b': 7 } }, 'roles["a b"] must be an object, but is 7'],
    [{ members: [{ who: { type: 'user', id: 'a' }, roles: ['x'] }] }, 'members[0].roles[0] is no role'],
    [{ members: [{ who: { type: '*', id: 'a' } }] }, 'members[0].who.type must be a name'],
    [{ members: [{ who: { type: 'user' } }] }, 'members[0].who.id must be a text'],
    [
      { members: [{ who: { type: 'user', id: 'a*' }, properties: { a: 1 } }] },
      'members[0].properties must be of somebody with an id without *',
    ],
    [
      { members: [1, 2].map(() => ({ who: { type: 'user', id: 'a' }, properties: { a: 1 } })) },
      'members[1].properties must be in one place',
    ],
    [when({}), 'grants[0].when[0].of must be a text'],
    [when({ of: 'context.a' }), 'grants[0].when[0] must compare with exactly one of'],
    [when({ of: 'context.a', equals: 1, atMost: 2 }), 'grants[0].when[0] must compare with exactly one of'],
    [when({ of: 'context.a', equal: 1 }), 'grants[0].when[0].equal is not known; did you mean equals?'],
    [
      when({ of: 'context.a', equals: null }),
      'grants[0].when[0].equals must be a text, a number or a boolean',
    ],
    [when({ of: 'context.a', equals: { from: 'context.b' } }), 'grants[0].when[0].equals.from is not known'],
    [when({ of: 'context.a', in: 'abc' }), 'grants[0].when[0].in must be a list'],
    [
      when({ of: 'context.a', atMost: '5' }),
      'grants[0].when[0].atMost must be a number, or { of: … }, but is "5"',
    ],
    [
      when({ of: 'context.a', newerThan: 'soon' }),
      "grants[0].when[0].newerThan must be a duration, such as '15 minutes'",
    ],
    [when({ of: 'context.a', newerThan: -1 }), 'grants[0].when[0].newerThan must be a duration'],
    [when({ of: 'amount', equals: 1 }), "grants[0].when[0].of is no attribute of a request: 'amount'"],
    [
      when({ of: 'principal.tenant', equals: 'a' }),
      "grants[0].when[0].of is no attribute of a request: 'principal.tenant'",
    ],
    [when({ isInitiator: 'no' }), 'grants[0].when[0].isInitiator must be true or false'],
    [when({ sameTenant: true, of: 'context.a' }), 'grants[0].when[0].of is not known'],
    [
      declaring({ of: 'context.runSpnd', atMost: 5 }),
      "grants[0].when[0].of is not among the declared attributes: 'context.runSpnd'; did you mean context.runSpend?",
    ],
    [
      declaring({ of: 'context.tenant', atMost: 5 }),
      "grants[0].when[0].of cannot be asked 'atMost': 'context.tenant' is declared as text",
    ],
    [
      declaring({ of: 'context.runSpend', atMost: { of: 'context.tenant' } }),
      "grants[0].when[0].atMost.of cannot be compared with: 'context.tenant' is declared as text",
    ],
    [
      declaring({ sameTenant: true }),
      "grants[0].when[0].sameTenant is not among the declared attributes: 'principal.properties.tenant'",
    ],
    [
      { attributes: { 'context.a': 'string' } },
      'attributes["context.a"] must be one of text, number, integer',
    ],
    [{ attributes: { amount: 'text' } }, 'attributes["amount"] is no attribute that can be declared'],
    [
      { attributes: {}, members: [{ who: { type: 'user', id: 'a' }, properties: { tenant: 'a' } }] },
      'members[0].properties.tenant is not among the declared attributes',
    ],
    [{ grants: [{ ...GRANT, reason: () => 'x' }] }, 'grants[0].reason must be plain data'],
    [
      { grants: [{ ...GRANT, when: [{ of: 'context.a', atMost: Number.NaN }] }] },
      'grants[0].when[0].atMost must be plain data',
    ],
    [new Map(), 'table must be plain data'],
  ])('%j: %s', (table, problem) => {
    expect(problemsOf(table).join('\n')).toContain(problem);
  });

  it.each([
    ['grants: [', 'line 1'],
    ['grants: []\ngrants: []', 'line 2'],
    ['grants: *nobody', 'line 1'],
    ['grants: !secret []', 'line 1'],
    ['- a\n- b', ''],
    ['', ''],
    ['"__proto__": {}', '__proto__'],
  ])('in a text is found in it: %j', (text, path) => {
    expect(problemsOf(text)[0]!.startsWith(path)).toBe(true);
  });

  it('does not hide another', () => {
    const found = problemsOf({
      roles: { a: { includes: ['b'] } },
      members: [{ who: { type: 'user' }, roles: ['c'] }],
      grants: [{ id: 'g', when: [{ of: 'x', equals: 1 }] }],
      forbid: [{ id: 'f', actions: [''] }],
    });
    for (const path of [
      'roles.a',
      'members[0].who.id',
      'members[0].roles',
      'grants[0].to',
      'grants[0].actions',
      'grants[0].resources',
      'grants[0].when[0].of',
      'forbid[0].actions[0]',
    ])
      expect(found.join('\n')).toContain(path);
  });
});
