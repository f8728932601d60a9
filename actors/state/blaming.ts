/**
 * Blaming: in whose journal the record is to be found that has made a field of a status what it is, and what of the state there it is made
 * of. A run knows how its parts stand and what came of them; what they were given, by whom they were done and for how much, they know
 * themselves. Where a field is made of several, it is the newest record of them all.
 */
import { InvalidArgument } from '../../runtime/index.ts';
import type { Reading } from '../../runtime/index.ts';
import type { Ledger } from '../../machines/budget/ledger.ts';
import { remainingIn } from '../../machines/budget/window.ts';
import type { ReviewContext } from '../../machines/review/review.ts';
import type { TaskContext } from '../../machines/task/progress.ts';
import type { RunContext } from '../../machines/workflow/progress.ts';
import { addressOfLate } from './late-replies.ts';
import { runStateOf, statusOf } from './standing.ts';
import { isRun, isTask } from './stood.ts';
import type { HumanDecision } from './human-decisions.ts';
import type { PartStatus } from './part-status.ts';
import type { RunStatus } from './run-status.ts';
import type { Moment, Stood } from './stood.ts';

/** A part of somebody's state. */
export interface Spot {
  readonly address: string;
  readonly part: string | Reading;
}

const FIELDS = [
  ...(['run', 'workflow', 'state', 'startedAt', 'input', 'output', 'problem', 'tasks', 'money'] as const),
  ...(['sources', 'decisions', 'shared', 'waits', 'next'] as const),
];

/** What is known of a node from its run, with what a status does not show of it. */
const OF_NODES: ReadonlySet<string> = new Set([
  ...(['status', 'output', 'problem', 'because', 'skipped', 'blockedBy', 'startedAt', 'endedAt'] as const),
  ...(['arm', 'facts', 'undo', 'undoing', 'doubt', 'undoProblem'] as const),
]);

/** What the declaration says: it is so from the beginning of the run. */
const DECLARED: ReadonlySet<string> = new Set(['task', 'address', 'kind', 'needs', 'writes']);

const OF_PARTS: ReadonlySet<string> = new Set([
  ...[...OF_NODES, ...DECLARED],
  ...(['input', 'instead', 'agent', 'attempts', 'confidence', 'ground', 'recalled', 'cost'] as const),
  ...(['reserved', 'waits', 'parts'] as const),
]);

const MONEY = ['spent', 'limit', 'reserved', 'remaining', 'overdraft'] as const;

/** @throws InvalidArgument where no status has such a field */
export function assertField(field: unknown): asserts field is string {
  const first = typeof field === 'string' ? splitAt(field)[0] : undefined;
  if (!FIELDS.some((one) => one === first)) throw noField(`must begin with ${FIELDS.join(', ')}`, field);
}

const noField = (problem: string, field: unknown): InvalidArgument =>
  new InvalidArgument('field', `${problem}, but is ${JSON.stringify(field) ?? String(field)}`);

/** @throws InvalidArgument where the status has no such field */
export function spotsOf(field: string, status: RunStatus, moment: Moment): readonly Spot[] {
  return new Blaming(field, status, moment).spots();
}

/** The decision that a field is about; undefined where it is about something else, or there is none. */
export function decisionIn(field: string, { decisions }: RunStatus): HumanDecision | undefined {
  const [, index] = /^decisions(?:\[(\d+)\].*)?$/s.exec(field) ?? [];
  return index === undefined ? decisions.at(-1) : decisions[Number(index)];
}

export const isAboutDecisions = (field: string): boolean => /^decisions(\[\d+\]|$)/.test(field);

class Blaming {
  readonly #field: string;
  readonly #status: RunStatus;
  readonly #moment: Moment;

  constructor(field: string, status: RunStatus, moment: Moment) {
    this.#field = field;
    this.#status = status;
    this.#moment = moment;
  }

  spots(): readonly Spot[] {
    const [first, rest] = splitAt(this.#field);
    const { run, sources, waits } = this.#status;
    const ofRun = (part: Spot['part']): Spot[] => [{ address: run, part }];
    switch (FIELDS.find((one) => one === first)) {
      case 'run':
      case 'workflow':
      case 'startedAt':
        return ofRun('context.startedAt');
      case 'state':
        return ofRun(read('state', (stood) => runStateOf(stood)));
      case 'input':
      case 'shared':
        return ofRun(`context.${first}${rest}`);
      case 'output':
        return ofRun(`${this.#isNested() ? 'output.' : ''}output${rest}`);
      case 'problem':
        return ofRun(`${this.#isNested() ? 'output.problem' : 'error'}${rest}`);
      case 'next':
        return ofRun(read('next', standingsIn));
      case 'tasks':
        return rest === '' ? ofRun('context.nodes') : this.#ofTask(rest);
      case 'money':
        return this.#ofMoney(rest);
      case 'sources':
        return this.#ofMany(rest, sources, ({ task }) => this.#logOf(this.#named(task)));
      case 'waits':
        return this.#ofMany(rest, waits, ({ task }) => this.#waitsOf(this.#named(task)));
      default:
        return this.#fail('must name one of the decisions by its number');
    }
  }

  /** Whether it is a run within a run: that ends with an outcome, in which either of them stands. */
  #isNested(): boolean {
    const stood = this.#moment(this.#status.run);
    return isRun(stood) && stood.context.around !== undefined;
  }

  #fail(problem: string): never {
    throw noField(problem, this.#field);
  }

  /** One of them, or all. */
  #ofMany<T>(rest: string, all: readonly T[], spots: (one: T) => readonly Spot[]): readonly Spot[] {
    if (rest === '') return all.flatMap(spots);
    const [, index] = /^\[(\d+)\]/.exec(rest) ?? this.#fail('must name one of them by its number');
    const one = all[Number(index)];
    return one === undefined ? [] : spots(one);
  }

  // ---- money ----------------------------------------------------------------------------------------------------

  #ofMoney(rest: string): readonly Spot[] {
    const address = `${this.#status.run}/account`;
    const wanted = MONEY.filter((one) => rest === '' || rest === `.${one}`);
    if (wanted.length === 0) this.#fail(`must be one of ${MONEY.map((one) => `money.${one}`).join(', ')}`);
    if (this.#moment(address) === undefined)
      return wanted.includes('spent') ? this.#status.tasks.flatMap((task) => this.#costOf(task)) : [];
    return wanted.map((one) => ({ address, part: partOfMoney(one) }));
  }

  #costOf({ address, parts = [] }: PartStatus): readonly Spot[] {
    const own = this.#taskAt(address) === undefined ? [] : [{ address, part: 'context.spent' }];
    return [...own, ...parts.flatMap((part) => this.#costOf(part))];
  }

  // ---- tasks ----------------------------------------------------------------------------------------------------

  /** `.name.field`, `["name"].field`, `[0].field`; with parts by their own names, or by their numbers. */
  #ofTask(path: string): readonly Spot[] {
    const [, word, quoted, single, index, behind] =
      /^(?:\.([^.[\]]+)|\[("(?:[^"\\]|\\.)*")\]|\['([^']*)'\]|\[(\d+)\])(.*)$/s.exec(path) ??
      this.#fail('must name a task');
    const name = word ?? single ?? (quoted && (JSON.parse(quoted) as string));
    let part = name === undefined ? this.#status.tasks[Number(index)] : this.#named(name);
    // What has not begun has no status yet, and may have one later.
    if (part === undefined && !this.#mayBegin(name)) this.#fail('must name a task that there is');
    let rest = behind!;
    for (let found = PART.exec(rest); found !== null; found = PART.exec(rest)) {
      part = part?.parts?.[Number(found[1])];
      rest = found[2]!;
    }
    const [dot, field, within] = [rest.slice(0, 1), ...splitAt(rest.slice(1))];
    if (rest !== '' && (dot !== '.' || !OF_PARTS.has(field)))
      this.#fail(`must name one of ${[...OF_PARTS].join(', ')} of a task`);
    return part === undefined ? [] : this.#ofPart(part, field, within);
  }

  /** Whether it is a part of a task, or what undoes one. */
  #mayBegin(name: string | undefined): boolean {
    return this.#status.tasks.some(({ task }) => name?.startsWith(`${task}/`) || name === `undo ${task}`);
  }

  #named(name: string): PartStatus | undefined {
    const among = (parts: readonly PartStatus[]): PartStatus | undefined => {
      for (const part of parts) {
        const found = part.task === name ? part : among(part.parts ?? []);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    return among(this.#status.tasks);
  }

  #ofPart(part: PartStatus, field: string, within: string): readonly Spot[] {
    const { address } = part;
    const node = this.#nodeOf(part);
    if (field === '') return node === undefined ? this.#own(part, 'context') : [node('')];
    if (node !== undefined && OF_NODES.has(field)) return [node(`.${field}${within}`)];
    if (DECLARED.has(field)) return [{ address: this.#status.run, part: 'context.startedAt' }];
    switch (field) {
      case 'status':
        return this.#own(part, read('status', statusOf));
      case 'input':
        return this.#own(part, `${this.#inputIn(address)}${within}`);
      case 'output':
        return this.#own(part, `${this.#taskAt(address) ? 'context' : 'output'}.output${within}`);
      case 'problem':
        return this.#own(part, `output.problem${within}`);
      case 'agent':
        return this.#own(part, part.recalled === undefined ? 'context.advice.agent' : 'context.recalled');
      case 'instead':
        return this.#insteadOf(part, within, node);
      case 'attempts':
        return this.#attemptsOf(part, within);
      case 'confidence':
        return part.recalled === undefined
          ? this.#logOf(part, ({ context }) => (context as TaskContext).log.at(-1)?.confidence)
          : this.#own(part, 'context.recalled');
      case 'ground':
        return this.#own(part, 'context.ground');
      case 'recalled':
        return this.#own(part, `context.recalled${within}`);
      case 'cost':
        return this.#costOf(part);
      case 'reserved':
        return this.#reservedOf(part);
      case 'waits':
        return this.#waitsOf(part);
      case 'parts':
        return [address, `${address}/poll`].flatMap((one) =>
          this.#own({ address: one }, read('parts', begunIn)),
        );
      default:
        return [];
    }
  }

  /** Where a run has noted what it knows of it; undefined where it is no node. */
  #nodeOf({ address }: PartStatus): ((within: string) => Spot) | undefined {
    const end = address.lastIndexOf('/');
    const [run, name] = [address.slice(0, end), address.slice(end + 1)];
    const stood = this.#moment(run);
    if (!isRun(stood) || !Object.hasOwn(stood.context.nodes, name)) return undefined;
    const step = /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
    return (within) => ({ address: run, part: `context.nodes${step}${within}` });
  }

  /** Of whoever does the work, if anybody does. */
  #own({ address }: Pick<PartStatus, 'address'>, part: Spot['part']): readonly Spot[] {
    return this.#moment(address) === undefined ? [] : [{ address, part }];
  }

  #taskAt(address: string): TaskContext | undefined {
    const stood = this.#moment(address);
    return isTask(stood) ? stood.context : undefined;
  }

  #inputIn(address: string): string {
    const { context } = this.#moment(address) ?? {};
    if (typeof context !== 'object' || context === null || 'log' in context) return 'context.input';
    if ('quorum' in context) return 'context.original';
    return 'start' in context ? 'context.start.input' : 'context.input';
  }

  /** The declaration gives the value; it is given when the node looks at what it needs: when it begins, or ends without that. */
  #insteadOf(
    { instead = {}, startedAt }: PartStatus,
    within: string,
    node: ((within: string) => Spot) | undefined,
  ): readonly Spot[] {
    const isNamed = (name: string): boolean =>
      [`.${name}`, `[${JSON.stringify(name)}]`].some((step) => splitAfter(within, step) !== undefined);
    const isThere = Object.keys(instead).some((name) => within === '' || isNamed(name));
    if (!isThere || node === undefined) return [];
    return [node(startedAt === undefined ? '.endedAt' : '.startedAt')];
  }

  /** With what came too late, which is told beside the run. It stays as it came: in the past it was the same, or not there. */
  #attemptsOf(part: PartStatus, within: string): readonly Spot[] {
    const [, index, behind = ''] = /^\[(\d+)\](.*)$/s.exec(within) ?? [];
    const meant = part.attempts.filter((_, at) => index === undefined || at === Number(index));
    const late = meant.flatMap(({ number: attempt, late: replies = [] }) =>
      replies.map((_, at) => ({
        address: addressOfLate({ task: part.address, attempt }),
        part: `context.replies[${at}]`,
      })),
    );
    const ofLate = splitAfter(behind, '.late');
    if (ofLate !== undefined)
      return this.#ofMany(ofLate, late, (spot) => [
        { ...spot, part: spot.part + ofLate.slice(ofLate.indexOf(']') + 1) },
      ]);
    const own = this.#own(part, `context.log${within}`);
    return behind === '' ? [...own, ...late] : own;
  }

  /** Of its attempts, if it is a task. */
  #logOf(part: PartStatus | undefined, of?: (stood: Stood) => unknown): readonly Spot[] {
    if (part === undefined || this.#taskAt(part.address) === undefined) return [];
    return this.#own(part, of === undefined ? 'context.log' : read('context.log', of));
  }

  /** The ticket of a task is there from when money is asked for until it is known, or given up, what was spent. */
  #reservedOf(part: PartStatus): readonly Spot[] {
    const own = this.#taskAt(part.address) === undefined ? [] : this.#own(part, 'context.ticket');
    return [...own, ...(part.parts ?? []).flatMap((one) => this.#reservedOf(one))];
  }

  #waitsOf(part: PartStatus | undefined): readonly Spot[] {
    if (part === undefined) return [];
    const { address, parts = [] } = part;
    const ofReviews = [address, `${address}/review`, `${address}/clearance`]
      .filter((one) => isReview(this.#moment(one)))
      .map((one) => ({
        address: one,
        part: read('waits', ({ context, status }) => claimIn(context, status)),
      }));
    const ofTask = this.#taskAt(address) === undefined ? [] : this.#own(part, 'value');
    const node = this.#nodeOf(part)?.('.status');
    return [...(node ? [node] : []), ...ofTask, ...ofReviews, ...parts.flatMap((one) => this.#waitsOf(one))];
  }
}

const PART = /^\.parts\[(\d+)\](.*)$/s;

/** The first name of a path, and the rest. */
function splitAt(path: string): [first: string, rest: string] {
  const end = path.search(/[.[]/);
  return end < 0 ? [path, ''] : [path.slice(0, end), path.slice(end)];
}

/** What follows a step of a path; undefined where the path does not begin with that. */
function splitAfter(path: string, step: string): string | undefined {
  const rest = path.slice(step.length);
  return path.startsWith(step) && /^(?:[.[]|$)/.test(rest) ? rest : undefined;
}

function partOfMoney(one: (typeof MONEY)[number]): Spot['part'] {
  const ofWindow = (of: (window: Ledger['window']) => unknown): Spot['part'] =>
    read('context.window', ({ context }) => of((context as Ledger).window));
  if (one === 'remaining') return ofWindow(remainingIn);
  // As a status has it: not there where it is nothing.
  return one === 'overdraft'
    ? ofWindow(({ overdraft }) => (overdraft > 0 ? overdraft : undefined))
    : `context.window.${one}`;
}

/** What is read off a state. Before there is one there is nothing. */
function read(path: string, of: (stood: Stood) => unknown): Reading {
  return { path, of: (snapshot) => (snapshot === undefined ? undefined : of(snapshot)) };
}

const standingsIn = ({ context }: Stood): unknown =>
  Object.values((context as RunContext).nodes).map(({ status }) => status);

const isReview = (stood: Stood | undefined): boolean =>
  typeof stood?.context === 'object' && stood.context !== null && 'quorum' in stood.context;

function claimIn(context: unknown, status: string): unknown {
  const { roles, claim, title } = context as ReviewContext;
  return { status, roles, title, by: claim?.by };
}

/** How many a list, a loop or a poll has begun; of a run, that it has. */
function begunIn({ context }: Stood): unknown {
  const { begun, number, startedAt } = (context ?? {}) as Readonly<Record<string, unknown>>;
  return begun ?? number ?? startedAt;
}
