// The lie: "a list of a thousand that is killed halfway does only the rest". Counted by whoever is asked, out there.
import { agent, map, result, task, workflow } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { onDisk, open } from './systems.ts';

const ITEM = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] } as const;
const ITEMS = 1000;

describe('a list of a thousand items', () => {
  it('killed halfway, does the rest and nothing again', async () => {
    const asked = new Map<string, number>();
    let stopsAt = ITEMS / 2;
    const counting = agent({
      name: 'counting',
      capabilities: ['count'],
      model: 'none',
      inputSchema: ITEM,
      outputSchema: ITEM,
      execute: async (assignment) => {
        if (asked.size >= stopsAt) await new Promise(() => {});
        asked.set(assignment.idempotencyKey, (asked.get(assignment.idempotencyKey) ?? 0) + 1);
        const { n } = assignment.input;
        return result(assignment, {
          output: { n: n * 2 },
          cost: 0,
          duration: 0,
          model: 'none',
          confidence: 1,
        });
      },
    });
    const all = workflow({
      id: 'all',
      tasks: {
        items: map({
          over: () => Array.from({ length: ITEMS }, (_, n) => ({ n })),
          each: task({ capability: 'count' }),
          concurrency: 50,
          reduce: (outputs: readonly { n: number }[]) => outputs.reduce((sum, { n }) => sum + n, 0),
        }),
      },
    });
    // The helper is for systems without agents; a system takes them alike.
    const actors = { all, counting } as unknown as { readonly all: typeof all };
    const before = await open(actors, { store: onDisk() });
    await before.system.start('all', { id: '1', input: {} });
    while (asked.size < stopsAt) await new Promise((resolve) => setImmediate(resolve));
    stopsAt = Infinity;
    const after = await before.crash();
    const run = after.system.get('all/1')!;
    while (run.getSnapshot().status === 'active') await after.settle();
    expect(run.getSnapshot().output).toBe(ITEMS * (ITEMS - 1));
    expect(asked.size).toBe(ITEMS);
    const again = [...asked.values()].filter((times) => times > 1).length;
    console.log(`${again} of ${ITEMS} items were asked for again: those whose answers were not on the disk`);
    // No more than were under way.
    expect(again).toBeLessThanOrEqual(50);
  });
});
