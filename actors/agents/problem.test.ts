// The lie: "whatever goes wrong, somebody outside can tell what, whose it is, and what to do".
import { describe, expect, it } from 'vitest';
import { agent, ContractRefused, FAULT_CLASSES, problemOf } from 'heddle/actors';
import type { ValueProblem } from 'heddle/actors';

describe('a fault', () => {
  it.each(FAULT_CLASSES)('of class %s is a problem of its own', (name) => {
    const problem = problemOf({ class: name, message: 'what happened' });
    expect(problem).toMatchObject({
      type: `urn:heddle:problem:${name}`,
      detail: 'what happened',
      errors: [],
    });
    expect(problem.status).toBeGreaterThanOrEqual(400);
    expect(problem.code).toMatch(/^[A-Z_]+$/);
    expect(problem.retryable).toBe(problem.disposition === 'retry');
    // Of what is not wanted any more nothing can be done.
    expect(problem.remediation.length > 0).toBe(name !== 'cancelled');
    expect(problem).not.toHaveProperty('instance');
  });

  it('keeps what is wrong, value by value, and says to what it happened', () => {
    const errors: ValueProblem[] = [
      {
        pointer: '#/a',
        keyword: 'maximum',
        schemaPath: '#/properties/a/maximum',
        expected: 1,
        detail: 'must be <= 1',
      },
    ];
    expect(
      problemOf({ class: 'schema-mismatch', message: 'x', problems: errors }, 'report/7/count'),
    ).toMatchObject({
      errors,
      instance: 'report/7/count',
      retryable: false,
      disposition: 'reask',
    });
  });

  it.each([
    ['the house has halted it', 'not-permitted', 'HALTED'],
    ['an agent says so', 'agent-failure', 'AGENT_FAILURE'],
  ] as const)('with the code of a halt: %s', (_, name, code) => {
    expect(problemOf({ class: name, message: 'x', code: 'halted' })).toMatchObject({ code });
  });

  it('can be sent as it is', () => {
    for (const name of FAULT_CLASSES) {
      const problem = problemOf({ class: name, message: 'x' }, 'report/7');
      expect(JSON.parse(JSON.stringify(problem))).toEqual(problem);
    }
  });
});

describe('a refused contract', () => {
  it('is a problem with a pointer for each mistake', () => {
    let error: unknown;
    try {
      agent({
        name: '',
        capabilities: [],
        model: '',
        inputSchema: {},
        outputSchema: {},
        execute: undefined as never,
      });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ContractRefused);
    const problem = problemOf(error as ContractRefused);
    expect(problem).toMatchObject({
      code: 'CONTRACT_REFUSED',
      category: 'refusal',
      status: 422,
      retryable: false,
    });
    expect(problem.errors.map(({ pointer }) => pointer)).toEqual([
      '#/name',
      '#/model',
      '#/capabilities',
      '#/execute',
    ]);
  });
});
