// The lie: "it is what its hash says, and whoever had to do with it is known". Notes that say nothing new, and more than it keeps.
import { createActor } from 'xstate';
import { describe, expect, it } from 'vitest';
import { content, isFull, isWanted, MOST_NOTED } from './content.ts';

const born = () =>
  createActor(content, { input: { value: { a: 1 }, note: { madeBy: 'report/1/a' } } }).start();

describe('a content', () => {
  it('notes each maker, each user and each place once', () => {
    const actor = born();
    const source = { uri: 'x', hash: 'h', at: 1 };
    const note = { usedBy: 'report/1/b', source };
    expect(isWanted(actor.getSnapshot().context, note)).toBe(true);
    actor.send({ type: 'content.noted', note });
    actor.send({
      type: 'content.noted',
      note: { ...note, madeBy: 'report/1/a', source: { ...source, at: 2 } },
    });
    const { context } = actor.getSnapshot();
    expect(context).toEqual({
      value: { a: 1 },
      madeBy: ['report/1/a'],
      usedBy: ['report/1/b'],
      sources: [source],
    });
    expect(isWanted(context, { source: { ...source, at: 3 } })).toBe(false);
    expect(isWanted(context, { source: { ...source, region: 'eu' } })).toBe(true);
  });

  it('takes no more of a kind than it keeps, and says so', () => {
    const actor = born();
    for (let i = 0; i < MOST_NOTED + 10; i++)
      actor.send({ type: 'content.noted', note: { madeBy: `report/${i}/b` } });
    const { context } = actor.getSnapshot();
    expect(context.madeBy.length).toBe(MOST_NOTED);
    expect(isFull(context)).toBe(true);
    expect(isWanted(context, { madeBy: 'somebody else' })).toBe(false);
    expect(isWanted(context, { madeBy: 'somebody else', usedBy: 'report/1/c' })).toBe(true);
  });
});
