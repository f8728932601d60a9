/**
 * A workflow with a review in it, written by hand as a statechart: it drafts, lets people decide, and publishes or not. And a
 * decider who knows a few people by their roles.
 */
import { assign, fromPromise, setup } from 'xstate';
import type { AccessRequest, Decision } from 'heddle';
import type { RunView } from 'heddle/actors';
import { review } from 'heddle/machines';
import type { Json, ReviewInput, ReviewOutput } from 'heddle/machines';

export interface PublishingInput {
  readonly draft: Json;
  readonly gate?: Partial<ReviewInput>;
}

interface PublishingContext extends PublishingInput {
  readonly decided: ReviewOutput | undefined;
}

/** What was published, by the key of the process: the world remembers. */
export class Press {
  readonly printed = new Map<string, unknown>();

  readonly print = fromPromise<string, { key: string; content: Json | undefined }>(
    async ({ input: { key, content } }) => {
      this.printed.set(key, content);
      return key;
    },
  );
}

export const GATE: ReviewInput = {
  title: 'Publish it?',
  proposal: null,
  editable: ['/text'],
  roles: ['editor'],
  initiator: 'ivy',
};

/** Drafts fail once before they succeed, and their agent says nothing of it. */
export function publishing(press: Press) {
  return setup({
    types: { context: {} as PublishingContext, input: {} as PublishingInput },
    actors: { review, print: press.print, write: writer() },
  }).createMachine({
    id: 'report',
    context: ({ input }) => ({ ...input, decided: undefined }),
    initial: 'drafting',
    states: {
      drafting: { invoke: { src: 'write', id: 'draft', onDone: 'reviewing', onError: 'redrafting' } },
      redrafting: {
        invoke: {
          src: 'write',
          id: 'redraft',
          input: { again: true },
          onDone: 'reviewing',
          onError: 'failed',
        },
      },
      reviewing: {
        invoke: {
          src: 'review',
          id: 'review',
          input: ({ context: { draft, gate } }) => ({ ...GATE, proposal: draft, ...gate }),
          onDone: [
            {
              guard: ({ event }) => event.output.verdict === 'approved',
              target: 'publishing',
              actions: assign({ decided: ({ event }) => event.output }),
            },
            { target: 'dropped', actions: assign({ decided: ({ event }) => event.output }) },
          ],
          onError: 'failed',
        },
      },
      publishing: {
        invoke: {
          src: 'print',
          id: 'print',
          input: ({ context, self }) => ({ key: self.id, content: context.decided!.output }),
          onDone: 'published',
        },
      },
      published: {},
      dropped: {},
      failed: {},
    },
  });
}

function writer() {
  return fromPromise<string, { again: boolean } | undefined>(async ({ input }) => {
    if (input?.again !== true) throw new Error('the almanac was not there');
    return 'went perfectly at the first attempt';
  });
}

/** Two levels down, and under another name. */
export function magazine(press: Press) {
  return setup({ actors: { article: publishing(press) } }).createMachine({
    id: 'magazine',
    invoke: { src: 'article', id: 'lead', input: { draft: { text: 'Lead' } } },
  });
}

const ROLES: Readonly<Record<string, readonly string[]>> = {
  ada: ['editor'],
  bob: ['editor'],
  cyd: ['editor', 'managing-editor'],
  ivy: ['editor'],
  guest: [],
};

/** Editors do everything with reviews of their roles; everybody comments. Remembers what it was asked. */
export class Decider {
  readonly asked: AccessRequest[] = [];
  answer: ((request: AccessRequest) => Decision | PromiseLike<Decision>) | undefined;

  readonly decide = (request: AccessRequest): Decision | PromiseLike<Decision> => {
    this.asked.push(request);
    return (this.answer ?? byRole)(request);
  };
}

function byRole({ principal, action, resource }: AccessRequest): Decision {
  const roles = ROLES[principal.id] ?? [];
  const wanted = resource.properties!['roles'] as readonly string[];
  const role = roles.find((name) => wanted.includes(name));
  if (role !== undefined)
    return { effect: 'permit', determining: [`role-${role}`], reasons: [], obligations: [] };
  if (action.name === 'review.comment')
    return { effect: 'permit', determining: ['anybody'], reasons: [], obligations: [] };
  return {
    effect: 'deny',
    determining: [],
    reasons: [`${principal.id} is none of ${wanted.join(', ')}`],
    obligations: [],
  };
}

/** What the workflow above knows of itself. */
export function viewOf({ snapshot }: { readonly snapshot: unknown }): RunView {
  const { context } = snapshot as { readonly context: PublishingContext };
  return {
    workflow: 'report',
    plan: [
      { id: 'draft', kind: 'task', needs: [], capability: 'write' },
      { id: 'legal', kind: 'task', needs: [] },
      { id: 'review', kind: 'gate', needs: ['draft'] },
      { id: 'print', kind: 'task', needs: ['review', 'legal'], capability: 'print', isReversible: false },
      { id: 'mail', kind: 'task', needs: ['print'], isReversible: true, compensation: 'recall' },
    ],
    tasks: {
      draft: {
        status: 'complete',
        input: { topic: 'tides' },
        output: context.draft,
        sources: [{ uri: 'almanac:1912', hash: 'abc' }],
        routing: { chosen: 'writer', losers: [{ agent: 'intern', reason: 'too expensive' }] },
        judgement: { confidence: 0.7, threshold: 0.6 },
      },
      legal: { status: 'running' },
    },
  };
}
