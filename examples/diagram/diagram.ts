/**
 * The diagram as a workflow, and who does it.
 */
import { agent, gate, join, result, task, workflow } from 'heddle/actors';

const TEXT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;

/** Puts its name behind what it is given. */
const scribe = (name: string) =>
  agent({
    name,
    capabilities: [name],
    model: 'local',
    inputSchema: TEXT,
    outputSchema: TEXT,
    execute: (assignment) => {
      const text = `${assignment.input.text}${name}`;
      console.log(`${name} writes ${text}`);
      return Promise.resolve(
        result(assignment, { output: { text }, cost: 0, duration: 0, model: 'local', confidence: 1 }),
      );
    },
  });

export const diagram = workflow({
  id: 'diagram',
  inputSchema: TEXT,
  tasks: {
    a: task({ agent: 'A' }),
    b: task({ needs: ['a'], agent: 'B' }),
    review: gate({ needs: ['a'], role: 'reviewer' }),
    c: task({ needs: ['a', 'review'], agent: 'C', input: ({ a }) => a }),
    d: task({ needs: ['b'], agent: 'D' }),
    joined: join({ needs: ['c', 'd'] }),
  },
});

export const scribes = { A: scribe('A'), B: scribe('B'), C: scribe('C'), D: scribe('D') };
