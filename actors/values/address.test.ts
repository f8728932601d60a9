// The lie: "an address at which nobody can ever live is refused where it is written".
import { describe, expect, it } from 'vitest';
import { agent } from '../agents/agent.ts';
import { budget, payersOf } from '../budgets/budget.ts';
import { roles } from '../roles.ts';
import { router } from '../routing/rules.ts';
import { problemOfAddress, problemOfAddressPattern } from './address.ts';

const ANY = { type: 'object' } as const;
const agentWith = (more: object) =>
  agent({
    ...{ name: 'a', model: 'm', capabilities: ['x'], inputSchema: ANY, outputSchema: ANY },
    execute: () => Promise.reject(new Error('nobody asks it')),
    ...more,
  });
const grantTo = (id: string) =>
  roles({
    grants: [{ id: 'g', to: { principals: [{ type: 'actor', id }] }, actions: ['*'], resources: 'any' }],
  });

describe('what cannot be an address', () => {
  it.each([
    ['budget', "two parts at least, such as budget/acme: 'budget' is only one"],
    ['', "'' has an empty part"],
    ['budget/', "'budget/' has an empty part"],
    ['/acme', "'/acme' has an empty part"],
    ['budget//acme', "'budget//acme' has an empty part"],
    ['budget/50%', "in 'budget/50%' a percent sign is written %25"],
    ['budget/a%2fb', 'a slash within a part %2F'],
    ['budget/\ud800', 'has half a character'],
  ])('%j is refused wherever it is written', (address, words) => {
    const told = expect.stringContaining(words) as string;
    expect(problemOfAddress(address)).toEqual(told);
    for (const [make, path] of [
      [() => budget({ limit: 5, within: ['budget/x', address] }), 'budget.within[1]'],
      [() => payersOf(budget({ limit: 5, within: () => [address] }), {}), 'budget.within[0]'],
      [
        () => router({ shadows: [{ agent: 'a', of: 'b', share: 10, account: address }] }),
        'router.shadows[0].account',
      ],
    ] as const)
      expect(make).toThrow(expect.objectContaining({ path, message: told }));
    for (const [more, pointer] of [
      [{ budget: address }, '#/budget'],
      [{ permits: ['bank/main', address] }, '#/permits/1'],
    ] as const)
      expect(() => agentWith(more)).toThrow(
        expect.objectContaining({ problems: [{ pointer, detail: told }] }),
      );
    if (address !== '' && address.isWellFormed())
      expect(() => grantTo(address)).toThrow(
        expect.objectContaining({ problems: [{ path: 'grants[0].to.principals[0].id', problem: told }] }),
      );
  });

  it('is no address of another form, and no other pattern', () => {
    expect(['budget/acme', 'budget/a b', 'report/7/ü.x', 'a/50%25', 'a/b%2Fc'].map(problemOfAddress)).toEqual(
      Array(5).fill(undefined),
    );
    expect(problemOfAddress(7)).toBe('must be an address, such as budget/acme');
    expect(
      ['*', 'pay/*', '*/7', 'pay*', 'pay/*/x', 'a/%*', 'a/%2*', 'a/b'].map(problemOfAddressPattern),
    ).toEqual(Array(8).fill(undefined));
    expect(
      ['pay/*/', '/*', 'pay//*', 'a/%3*'].map((one) => problemOfAddressPattern(one) !== undefined),
    ).toEqual(Array(4).fill(true));
  });

  it('is said of actors alone: who else there is has any id', () => {
    const principals = [{ type: 'user', id: '/home/ada//' }];
    expect(() =>
      roles({ grants: [{ id: 'g', to: { principals }, actions: ['*'], resources: 'any' }] }),
    ).not.toThrow();
  });
});
