/**
 * Commands about what waits for people. They only look: who decides a review does so as a person whom the decider knows, which a
 * command line cannot prove of whoever types.
 */
import { Option } from 'commander';
import { countOption } from './command.ts';
import type { Command } from './command.ts';
import { inert } from './inert.ts';
import { approvalWords, nextWords, tellReview } from './reviewer-context.ts';
import type { ContextRow, ReviewRow } from './reviewer-context.ts';
import type { Session } from './session.ts';
import type { Column } from './table.ts';

const reviews: Command = {
  usage: 'reviews',
  summary: 'what waits for people to decide',
  needs: 'code',
  options: [
    new Option('--role <role>', 'only those that this role may decide'),
    new Option('--for <person>', 'only those that this person could still decide'),
    new Option('--workflow <name>', 'only those of this workflow'),
    new Option('--under <address>', 'only those below this one'),
    new Option('--overdue', 'only those that were escalated, or whose time is over'),
    countOption('--limit <count>', 'at most so many'),
  ],
  examples: ['heddle reviews', 'heddle reviews --role editor', 'heddle reviews --for ada --json'],
  async run(session, _, flags) {
    const rows = session.ask('reviews', {
      ...{ role: flags.text('role'), by: flags.text('for'), workflow: flags.text('workflow') },
      ...{ under: flags.text('under'), overdue: flags.has('overdue'), limit: flags.whole('limit') },
    }) as AsyncIterable<ReviewRow>;
    const isOfSome =
      flags.has('overdue') ||
      ['role', 'for', 'workflow', 'under'].some((one) => flags.text(one) !== undefined);
    const none = isOfSome ? 'none of these waits' : 'nothing waits for anybody';
    await session.list(rows, reviewColumns(session), { none });
  },
};

const reviewColumns = (session: Session): readonly Column<ReviewRow>[] => [
  { head: 'review', of: ({ id }) => inert(id), yields: 2 },
  { head: 'title', of: ({ title }) => inert(title), yields: 1 },
  { head: 'roles', of: ({ roles }) => roles.map(inert).join(', '), yields: 2 },
  { head: 'opened', of: ({ openedAt }) => session.time(openedAt), paint: () => 'dim' },
  { head: 'approvals', of: approvalWords },
  { head: 'claimed by', of: ({ claim }) => inert(claim?.by ?? ''), yields: 2 },
  { head: 'overdue', of: ({ isOverdue }) => (isOverdue ? 'overdue' : ''), paint: () => 'red' },
  { head: 'next', of: ({ next }) => nextWords(session, next), yields: 1 },
];

// ---- one of them --------------------------------------------------------------------------------------------------

const review: Command = {
  usage: 'review <address>',
  summary:
    'a review, with what whoever decides it has to know: what was done, why, with which data, and what follows',
  needs: 'code',
  options: [new Option('--full', 'with everything that has happened in the run')],
  examples: ['heddle review report/7/review', 'heddle review report/7/review --json | jq .consequences'],
  async run(session, [address], flags) {
    const row = (await session.askOne('review', { address: address! })) as ContextRow;
    const isFull = flags.has('full');
    await (session.flags.json === true ? session.json(row) : tellReview(session, row, { isFull }));
  },
};

export const ofReviews: readonly Command[] = [reviews, review];
