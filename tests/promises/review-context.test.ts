// The lie: "a reviewer sees what was done, why, with which data, and what an approval will cause, whatever the agent says about
// itself". A run in which an attempt has failed, of which its agent says nothing; and views that know little.
import { describe, expect, it } from 'vitest';
import { Reviews } from 'heddle/actors';
import type { RunView } from 'heddle/actors';
import { InvalidArgument, UnknownActor } from 'heddle';
import { canonicalOf } from '../../machines/values/canonical.ts';
import { sha256 } from '../../machines/values/sha256.ts';
import { Decider, Press, publishing, viewOf } from '../publishing.ts';
import { open, rejection } from './systems.ts';

const DRAFT = { text: 'The moon does it.', sources: ['almanac'] };
const ID = 'report/7/review';

async function waiting(options: { viewOf?: (run: { snapshot: unknown }) => RunView | undefined } = {}) {
  const opened = await open({ report: publishing(new Press()) });
  await opened.system.start('report', {
    id: '7',
    input: { draft: DRAFT, gate: { quorum: 2, editable: ['/text', '/sources'], expiresAfterMs: 1000 } },
  });
  await opened.settle();
  const reviews = new Reviews(opened.system, { decide: new Decider().decide, ...options });
  return { opened, reviews };
}

describe('the context of a review', () => {
  it('shows the attempt of which the agent says nothing, with its place in the journal', async () => {
    const { opened, reviews } = await waiting();
    const { did, review } = await reviews.context(ID);
    expect(JSON.stringify(review)).not.toContain('almanac was not there');
    const failed = did.timeline.filter(({ what }) => what === 'failed');
    expect(failed).toMatchObject([
      { address: 'report/7/draft', error: 'the almanac was not there' },
      { address: 'report/7', event: 'xstate.error.actor.draft', error: 'the almanac was not there' },
    ]);
    for (const { address, seq, event } of did.timeline) {
      for await (const record of opened.system.history(address, { from: seq, to: seq }))
        expect(record.event.type).toBe(event);
    }
    const began = did.timeline.filter(({ what }) => what === 'began').map(({ address }) => address);
    expect(began).toEqual(['report/7', 'report/7/draft', 'report/7/redraft', ID]);
  });

  it('shows what people did and wanted, who permitted it, who has signed, and what they have changed', async () => {
    const { reviews } = await waiting();
    await reviews.decide(ID, { by: 'ada', verdict: 'approve' });
    await rejection(reviews.decide(ID, { by: 'guest', verdict: 'approve' }));
    const edits = [
      { pointer: '/text', value: 'Both do it.' },
      { op: 'add', pointer: '/sources/-', value: 'atlas' },
      { op: 'remove', pointer: '/sources/0' },
    ] as const;
    await reviews.decide(ID, { by: 'bob', verdict: 'edit', edits });
    const { did, why, signed, diff, data, consequences } = await reviews.context(ID);
    expect(
      did.timeline.filter(({ address }) => address === ID).map(({ what, event }) => `${what}: ${event}`),
    ).toEqual([
      'began: xstate.init',
      'went on: review.approve',
      'refused: review.approve',
      'went on: review.edit',
    ]);
    expect(why.permissions).toMatchObject([
      { by: 'ada', action: 'review.approve', effect: 'permit', determining: ['role-editor'], seq: 2 },
      { by: 'guest', effect: 'deny', determining: [] },
      { by: 'bob', action: 'review.edit', effect: 'permit' },
    ]);
    expect(signed).toMatchObject({ approvals: [], voided: [{ by: 'ada' }] });
    expect(diff).toEqual([
      expect.objectContaining({
        pointer: '/text',
        op: 'replace',
        before: DRAFT.text,
        after: 'Both do it.',
        by: 'bob',
      }),
      expect.objectContaining({ pointer: '/sources/-', op: 'add', after: 'atlas' }),
      expect.objectContaining({ pointer: '/sources/0', op: 'remove', before: 'almanac' }),
    ]);
    expect(diff![1]).not.toHaveProperty('before');
    expect(data.hash).toBe(reviews.get(ID)!.hash);
    expect(consequences).toMatchObject({ missing: 2, deadline: { act: 'expire' } });
  });

  it('leaves out what nobody knows', async () => {
    const { reviews } = await waiting();
    const known = await reviews.context(ID);
    expect(known).not.toHaveProperty('alternatives');
    expect(known).not.toHaveProperty('diff');
    expect(known.did).not.toHaveProperty('tasks');
    expect(known.why).not.toHaveProperty('routing');
    expect(known.data).not.toHaveProperty('items');
    expect(known.consequences).not.toHaveProperty('next');
    expect(known.consequences).not.toHaveProperty('money');
  });

  it('shows what an approval will cause, and what it waits for besides', async () => {
    const { reviews } = await waiting({ viewOf });
    const { consequences, alternatives, data, why, did } = await reviews.context(ID);
    expect(consequences.next).toEqual([
      {
        node: 'print',
        kind: 'task',
        distance: 1,
        waitsFor: ['legal'],
        capability: 'print',
        isReversible: false,
      },
      {
        node: 'mail',
        kind: 'task',
        distance: 2,
        waitsFor: ['print'],
        isReversible: true,
        compensation: 'recall',
      },
    ]);
    expect(alternatives).toEqual([{ task: 'draft', agent: 'intern', reason: 'too expensive' }]);
    expect(why.routing).toMatchObject([{ task: 'draft', chosen: 'writer' }]);
    expect(why.judgements).toEqual([{ task: 'draft', confidence: 0.7, threshold: 0.6 }]);
    expect(data.items).toEqual([
      {
        task: 'draft',
        what: 'input',
        hash: sha256(canonicalOf({ topic: 'tides' })),
        sources: [{ uri: 'almanac:1912', hash: 'abc' }],
      },
      { task: 'draft', what: 'output', hash: sha256(canonicalOf(DRAFT)) },
    ]);
    expect(did.tasks).toEqual([
      { task: 'draft', status: 'complete' },
      { task: 'legal', status: 'running' },
    ]);
  });

  it('comes to an end in a plan with a cycle, and says nothing of data that is no JSON', async () => {
    const { reviews } = await waiting({
      viewOf: () => ({
        workflow: 'report',
        plan: [
          { id: 'review', kind: 'gate', needs: ['b'] },
          { id: 'a', kind: 'task', needs: ['review'] },
          { id: 'b', kind: 'task', needs: ['a', 'unknown'] },
        ],
        tasks: { a: { status: 'waiting', output: { n: Number.NaN } } },
      }),
    });
    const { consequences, data } = await reviews.context(ID);
    expect(consequences.next).toMatchObject([
      { node: 'a', distance: 1, waitsFor: [] },
      { node: 'b', distance: 2, waitsFor: ['a', 'unknown'] },
    ]);
    expect(data.items).toEqual([]);
  });

  it('can be that of a part of the run', async () => {
    const { reviews } = await waiting();
    const { did } = await reviews.context(ID, { under: ID });
    expect(new Set(did.timeline.map(({ address }) => address))).toEqual(new Set([ID]));
    expect(await rejection(reviews.context(ID, { under: 'report/8' }))).toBeInstanceOf(InvalidArgument);
    expect(await rejection(reviews.context(ID, { under: 'report' }))).toBeInstanceOf(UnknownActor);
  });

  it('is there after the end as well', async () => {
    const { opened, reviews } = await waiting({ viewOf });
    await reviews.decide(ID, { by: 'ada', verdict: 'reject', reason: 'no' });
    await opened.settle();
    const { review, consequences } = await reviews.context(ID);
    expect(review).toMatchObject({ status: 'rejected', ending: { by: 'ada', reason: 'no' } });
    expect(consequences).not.toHaveProperty('deadline');
  });
});
