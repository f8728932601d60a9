/**
 * A family: everything that was found, given and made in some runs, and what each of it was made of. Pure: it is told of runs by their
 * status, and knows nothing that does not stand there.
 */
import type { Source } from '../../machines/contract.ts';
import { rootOf } from '../../machines/here.ts';
import type { KeptAnswer } from '../../machines/task/kept-answer.ts';
import type { AttemptNote } from '../../machines/task/progress.ts';
import type { Manifest, PartNote } from '../../machines/task/words.ts';
import { hashOf } from '../schema/digest.ts';
import { isRecord } from '../schema/plain.ts';
import type { AttemptStatus } from './late-replies.ts';
import type { HumanDecision } from './human-decisions.ts';
import type { PartStatus } from './part-status.ts';
import type { RunStatus } from './run-status.ts';

/** One of the things that were found, given or made. */
export interface Artifact {
  /** Not there where it is no JSON. */
  readonly hash?: string;
  /** A `draft` is what an attempt came to that was not taken; a `part`, what one part of a work in parts came to. */
  readonly kind: 'source' | 'input' | 'draft' | 'part' | 'output';
  /** The run, and the task in it. A source belongs to neither. */
  readonly run?: string;
  readonly task?: string;
  readonly agent?: string;
  /** Of the attempt that has made it. */
  readonly attempt?: number;
  /** Of a work in parts: which of them, from 1. */
  readonly part?: number;
  readonly source?: Source;
  /** Why an output was taken, where that is not because it is good: `repaired`, `unsure`, `person`, or the `default` or `stale` one in its place. */
  readonly ground?: string;
  /** Who has changed it on the way. */
  readonly edits?: readonly HumanDecision[];
}

type Key = string;

/** Where it was made. */
type Whose = Required<Pick<Artifact, 'run' | 'task'>>;

export class Family {
  readonly #artifacts = new Map<Key, Artifact>();
  readonly #parents = new Map<Key, Set<Key>>();

  add({ run, input, tasks, output, decisions }: RunStatus): void {
    const given = this.#note(`${run}#input`, { kind: 'input', run, ...hashIn(input) }, []);
    this.#addTasks(run, tasks, '', [given], decisions);
    if (output !== undefined) {
      const parents = tasks.flatMap((task) => this.#outputOf(task));
      this.#note(`${run}#output`, { kind: 'output', run, ...hashIn(output) }, [given, ...parents]);
    }
  }

  addSource(source: Source): Key {
    const { hash, uri } = source;
    return this.#note(`source ${hash} ${uri}`, { kind: 'source', hash, source }, []);
  }

  #addTasks(
    run: string,
    tasks: readonly PartStatus[],
    within: string,
    given: readonly Key[],
    decisions: readonly HumanDecision[],
  ): void {
    const named = new Map(tasks.map((task) => [task.task, task]));
    for (const task of tasks) {
      const needed = task.needs.flatMap((need) => named.get(`${within}${need}`) ?? []);
      const writers = tasks.filter(({ writes = [], endedAt }) => writes.length > 0 && endedAt !== undefined);
      const before = writers.filter(
        ({ endedAt }) => endedAt! <= (task.startedAt ?? task.endedAt ?? Infinity),
      );
      const parents = [...new Set([...needed, ...before])].filter((one) => one !== task);
      const instead = this.#addInstead(run, task, within);
      this.#addTask(run, task, [...given, ...parents.map(outputKeyOf), ...instead], decisions);
    }
  }

  /** What is declared to stand for an output is made of nothing. */
  #addInstead(run: string, { address, instead = {} }: PartStatus, within: string): Key[] {
    return Object.entries(instead).map(([node, value]) => {
      const artifact = {
        kind: 'output',
        run,
        task: `${within}${node}`,
        ground: 'default',
        ...hashIn(value),
      } as const;
      return this.#note(`${address}#instead ${node}`, artifact, []);
    });
  }

  /** It was made in another run, which may be told of as well. */
  #addRecalled({ task: address, agent, output: hash }: KeptAnswer): Key {
    const run = rootOf(address);
    const task = address.slice(run.length + 1);
    return this.#note(outputKeyIn(address, hash), { kind: 'output', run, task, agent, hash }, []);
  }

  #addTask(run: string, task: PartStatus, given: readonly Key[], decisions: readonly HumanDecision[]): void {
    const { address, task: name, input, output, kind, ground, recalled } = task;
    const whose = { run, task: name };
    const base =
      input === undefined
        ? given
        : [this.#note(`${address}#input`, { kind: 'input', ...whose, ...hashIn(input) }, given)];
    const { parts, undoing } = partsOf(task);
    // The parts of a run within it need each other; those of a loop come one after the other.
    if (kind === 'loop')
      parts.forEach((part, index) =>
        this.#addTask(run, part, [...base, ...parts.slice(0, index).map(outputKeyOf)], decisions),
      );
    else this.#addTasks(run, parts, `${name}/`, base, decisions);
    // What undoes it is given what it was given, and what has come of that.
    for (const undo of undoing) this.#addTask(run, undo, [...base, outputKeyOf(task)], decisions);
    const { made, taken } = this.#addAttempts(whose, task, base);
    const edits = decisions.filter(({ review, what }) => what === 'edit' && isReviewOf(task, review));
    if (kind === 'gate') made.push(...this.#addVersions(whose, task, base, edits));
    if (output === undefined) return;
    const whole = {
      kind: 'output',
      ...whose,
      ...(taken !== undefined && { agent: taken.agent, attempt: taken.number }),
      ...(recalled !== undefined && { agent: recalled.agent }),
      ...(ground !== undefined && { ground }),
      ...(edits.length > 0 && { edits }),
    } as const;
    const parents = [...base, ...made, ...parts.flatMap((part) => this.#outputOf(part))];
    if (recalled !== undefined) parents.push(this.#addRecalled(recalled));
    const passed = passedIn(task);
    if (passed !== undefined)
      parents.push(this.#note(`${address}#passed`, { ...whole, hash: passed }, [...parents]));
    const [key, artifact] = [outputKeyOf(task), { ...whole, ...hashIn(output) }];
    // As an answer from before it may have been told of with less.
    this.#artifacts.set(key, artifact);
    this.#note(key, artifact, parents);
  }

  /** @returns what the output was made of besides, and the attempt that it is from */
  #addAttempts(whose: Whose, { address, attempts, output, ground }: PartStatus, base: readonly Key[]) {
    // A default may be the same as what was not taken, and what was answered before as well.
    const taken =
      ground === 'default' || ground === 'stale'
        ? undefined
        : attempts.findLast((one) => isMadeIn(one, output?.hash));
    const made: Key[] = [];
    for (const attempt of attempts) {
      const { number, agent, manifest, sources = [], parts = [] } = attempt;
      this.#addLate(whose, address, attempt, base);
      const found = [
        ...sources.map((source) => this.addSource(source)),
        ...parts.flatMap((part) => this.#addPart(whose, address, attempt, part, base)),
      ];
      const drafts = attempt === taken ? [] : outputsIn(manifest);
      if (drafts.length === 0) made.push(...found);
      for (const hash of drafts) {
        const draft = { kind: 'draft', ...whose, agent, attempt: number, hash } as const;
        made.push(this.#note(`${address}#${number} ${hash}`, draft, [...base, ...found, ...made]));
      }
    }
    return { made, taken };
  }

  /** What came too late has led to nothing. */
  #addLate(
    whose: Whose,
    address: string,
    { number, agent, late = [] }: AttemptStatus,
    base: readonly Key[],
  ): void {
    for (const [index, { output: hash, sources = [] }] of late.entries()) {
      if (hash === undefined) continue;
      const found = sources.map((source) => this.addSource(source));
      const draft = { kind: 'draft', ...whose, agent, attempt: number, hash } as const;
      this.#note(`${address}#${number} late ${index}`, draft, [...base, ...found]);
    }
  }

  /** What people have made of what a gate proposes, one after the other. What it has let pass is no draft. */
  #addVersions(
    whose: Whose,
    { address, output }: PartStatus,
    base: readonly Key[],
    edits: readonly HumanDecision[],
  ): readonly Key[] {
    const made: Key[] = [];
    for (const [index, { made: hash }] of (output === undefined ? edits : edits.slice(0, -1)).entries()) {
      const draft = {
        kind: 'draft',
        ...whose,
        ...hashIn({ hash }),
        edits: edits.slice(0, index + 1),
      } as const;
      made.push(this.#note(`${address}#edit ${index + 1}`, draft, [...base, ...made]));
    }
    return made;
  }

  /** A part that is done stays so in the attempts that go on with it: it is the same under the same question. */
  #addPart(
    whose: Whose,
    address: string,
    { key, agent, number: attempt }: AttemptNote,
    { number: part, manifest, sources = [] }: PartNote,
    base: readonly Key[],
  ): readonly Key[] {
    const found = sources.map((source) => this.addSource(source));
    if (manifest === undefined) return found;
    const place = `${address}#${key}/part/${part}`;
    const input = { kind: 'input', ...whose, part, hash: manifest.input } as const;
    const given = this.#note(`${place}#input`, input, base);
    return outputsIn(manifest).map((hash) => {
      const artifact = { kind: 'part', ...whose, agent, attempt, part, hash } as const;
      return this.#note(`${place} ${hash}`, artifact, [given, ...found]);
    });
  }

  #outputOf(task: PartStatus): Key[] {
    return task.output === undefined ? [] : [outputKeyOf(task)];
  }

  #note(key: Key, artifact: Artifact, parents: readonly Key[]): Key {
    if (!this.#artifacts.has(key)) this.#artifacts.set(key, artifact);
    const known = this.#parents.get(key) ?? new Set();
    parents.forEach((parent) => known.add(parent));
    this.#parents.set(key, known);
    return key;
  }

  /** Everything that has a hash, all that it was made of, and all that was made of it. */
  around(hash: string): Record<'is' | 'from' | 'to', readonly Artifact[]> {
    const parents = this.#joined();
    const children = new Map<Key, Set<Key>>();
    for (const [key, its] of parents)
      for (const parent of its) children.set(parent, (children.get(parent) ?? new Set()).add(key));
    const own = [...this.#artifacts.keys()].filter((key) => this.#artifacts.get(key)!.hash === hash);
    const told = (keys: Iterable<Key>): Artifact[] =>
      [...keys].flatMap((key) => this.#artifacts.get(key) ?? []);
    return { is: told(own), from: told(reached(own, parents)), to: told(reached(own, children)) };
  }

  /** With what makes something that was made in one run a source of another. */
  #joined(): Map<Key, Set<Key>> {
    const parents = new Map([...this.#parents].map(([key, its]) => [key, new Set(its)]));
    const makers = new Map<string, Key[]>();
    for (const [key, { kind, hash }] of this.#artifacts)
      if (MADE.has(kind) && hash !== undefined) makers.set(hash, [...(makers.get(hash) ?? []), key]);
    for (const [key, { kind, hash }] of this.#artifacts)
      if (kind === 'source') makers.get(hash!)?.forEach((maker) => parents.get(key)!.add(maker));
    return parents;
  }
}

const MADE: ReadonlySet<Artifact['kind']> = new Set<Artifact['kind']>(['draft', 'part', 'output']);

/** An answer from before that was taken in another store is not what was made at the same address in this one. */
const outputKeyIn = (address: string, hash: string | undefined): Key => `${address}#output ${hash}`;
const outputKeyOf = ({ address, output }: PartStatus): Key => outputKeyIn(address, output?.hash);

const hashIn = ({ hash }: { readonly hash?: string | undefined }): Pick<Artifact, 'hash'> =>
  hash === undefined ? {} : { hash };

/** What an attempt came to: as it was answered, and as it was repaired. */
const outputsIn = ({ output, repaired }: Partial<Manifest> = {}): readonly string[] =>
  [output, repaired].flatMap((hash) => hash ?? []);

const isMadeIn = ({ manifest }: AttemptNote, hash: string | undefined): boolean =>
  hash !== undefined && outputsIn(manifest).includes(hash);

/** Whoever does a part of it lives below it; whoever undoes it, beside it. */
function partsOf({ address, parts = [] }: PartStatus) {
  const isBelow = (part: PartStatus): boolean => part.address.startsWith(`${address}/`);
  return { parts: parts.filter(isBelow), undoing: parts.filter((part) => !isBelow(part)) };
}

/** A gate is a review itself, others have theirs below them. What a voter supplies is an answer of its own. */
const isReviewOf = ({ address }: PartStatus, review: string): boolean =>
  review === address || (review.startsWith(`${address}/`) && !review.startsWith(`${address}/poll/`));

/** The hash of what a gate has let pass: it says more than that. */
function passedIn({ kind, output }: PartStatus): string | undefined {
  if (kind !== 'gate' || !isRecord(output?.value)) return undefined;
  const { output: passed } = output.value;
  return passed === undefined ? undefined : hashOf(passed);
}

/** Everything that can be reached, without where one starts. */
function reached(from: readonly Key[], edges: ReadonlyMap<Key, ReadonlySet<Key>>): Set<Key> {
  const found = new Set<Key>();
  const open = [...from];
  for (let key = open.pop(); key !== undefined; key = open.pop())
    for (const next of edges.get(key) ?? [])
      if (!found.has(next) && !from.includes(next)) {
        found.add(next);
        open.push(next);
      }
  return found;
}
