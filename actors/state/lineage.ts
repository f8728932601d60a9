/**
 * Lineage: what something was made of, and what was made of it, all the way. Read from the runs: each output leads to the input of
 * its task, to the sources that its agent has told of, and to everything that the mapper of the input could look at. So nothing that
 * has led to an output is missing; what a mapper could have looked at and did not is there too.
 *
 * Runs are joined where what one has made is a source of another. The notes at the contents only say where to look.
 */
import type { Source } from '../../machines/contract.ts';
import type { Content } from './content.ts';
import { UnknownContent } from '../errors.ts';
import type { HumanDecision, RunStatus, PartStatus } from './run-status.ts';
import type { Runs } from './runs.ts';

export interface LineageOptions {
  /** Only within this run. Needed for what is no content: the input of a run, what a mapper has made. */
  readonly run?: string;
  /** As of this record of the run. */
  readonly at?: number;
}

/** One of the things that were found, given or made. */
export interface Artifact {
  /** Not there where it is no JSON. */
  readonly hash?: string;
  /** A `draft` is what an attempt came to that was not taken. */
  readonly kind: 'source' | 'input' | 'draft' | 'output';
  /** The run, and the task in it. A source belongs to neither. */
  readonly run?: string;
  readonly task?: string;
  readonly agent?: string;
  /** Of the attempt that has made it. */
  readonly attempt?: number;
  readonly source?: Source;
  /** Who has changed it on the way. */
  readonly edits?: readonly HumanDecision[];
}

export interface Lineage {
  readonly hash: string;
  /** Everything that has this hash. */
  readonly is: readonly Artifact[];
  /** What it was made of, all the way back. */
  readonly from: readonly Artifact[];
  /** What was made of it, all the way on. */
  readonly to: readonly Artifact[];
  /** Whether there are more tasks that had to do with one of these than are kept at the contents. */
  readonly isPartial: boolean;
}

/** @throws UnknownContent */
export async function lineageIn(
  { runs, content }: { readonly runs: Runs; readonly content: Content },
  hash: string,
  { run, at }: LineageOptions = {},
): Promise<Lineage> {
  const family = new Family();
  const facts = content.facts(hash);
  facts?.sources.forEach((source) => family.addSource(source));
  const wanted = new Set(
    run === undefined ? rootsOf([...(facts?.madeBy ?? []), ...(facts?.usedBy ?? [])]) : [run],
  );
  const seen = new Set<string>();
  for (;;) {
    for (const one of wanted) {
      if (seen.has(one)) continue;
      seen.add(one);
      family.add(await runs.status(one, at === undefined ? {} : { at }));
    }
    const { is, from, to } = family.around(hash);
    if (is.length === 0) throw new UnknownContent(hash, run === undefined ? 'without a run' : `in ${run}`);
    const found = [
      ...from.flatMap(({ kind, hash: one }) => (kind === 'source' && content.facts(one!)?.madeBy) || []),
      ...to.flatMap(({ kind, hash: one }) => (kind !== 'source' && one && content.facts(one)?.usedBy) || []),
    ];
    const more = run === undefined ? rootsOf(found).filter((one) => !seen.has(one)) : [];
    if (more.length === 0) {
      const isPartial = [...is, ...from, ...to].some(
        ({ hash: one }) => one !== undefined && content.facts(one)?.isPartial === true,
      );
      return { hash, is, from, to, isPartial };
    }
    more.forEach((one) => wanted.add(one));
  }
}

/** The runs that tasks belong to, by the addresses of these. */
const rootsOf = (tasks: readonly string[]): string[] => [
  ...new Set(tasks.map((address) => address.split('/').slice(0, 2).join('/'))),
];

type Key = string;

/** Everything in some runs, with what it was made of. */
class Family {
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
      this.#addTask(run, task, [...given, ...parents.map(outputKeyOf)], decisions);
    }
  }

  #addTask(run: string, task: PartStatus, given: readonly Key[], decisions: readonly HumanDecision[]): void {
    const { address, task: name, input, output, attempts, parts = [], kind } = task;
    const whose = { run, task: name };
    const base =
      input === undefined
        ? given
        : [this.#note(`${address}#input`, { kind: 'input', ...whose, ...hashIn(input) }, given)];
    // The parts of a run within it need each other; those of a loop come one after the other.
    if (kind === 'loop')
      parts.forEach((part, index) =>
        this.#addTask(run, part, [...base, ...parts.slice(0, index).map(outputKeyOf)], decisions),
      );
    else this.#addTasks(run, parts, `${name}/`, base, decisions);
    const taken = attempts.findLast(
      ({ manifest }) => manifest?.output !== undefined && manifest.output === output?.hash,
    );
    const made: Key[] = [];
    for (const attempt of attempts) {
      const { number, agent, manifest, sources = [] } = attempt;
      const found = sources.map((source) => this.addSource(source));
      if (attempt === taken || manifest?.output === undefined) made.push(...found);
      else {
        const draft = { kind: 'draft', ...whose, agent, attempt: number, hash: manifest.output } as const;
        made.push(this.#note(`${address}#${number}`, draft, [...base, ...found, ...made]));
      }
    }
    if (output === undefined) return;
    const edits = decisions.filter(
      // What a voter supplies is an answer of its own.
      ({ review, what }) =>
        what === 'edit' && review.startsWith(address) && !review.startsWith(`${address}/poll/`),
    );
    const by = taken === undefined ? {} : { agent: taken.agent, attempt: taken.number };
    const artifact = {
      kind: 'output',
      ...whose,
      ...by,
      ...hashIn(output),
      ...(edits.length > 0 && { edits }),
    } as const;
    this.#note(outputKeyOf(task), artifact, [
      ...base,
      ...made,
      ...parts.flatMap((part) => this.#outputOf(part)),
    ]);
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

  around(hash: string): Pick<Lineage, 'is' | 'from' | 'to'> {
    const parents = this.#joined();
    const children = new Map<Key, Set<Key>>();
    for (const [key, its] of parents)
      for (const parent of its) children.set(parent, (children.get(parent) ?? new Set()).add(key));
    const own = [...this.#artifacts.keys()].filter((key) => this.#artifacts.get(key)!.hash === hash);
    const told = (keys: Iterable<Key>): Artifact[] =>
      [...keys].flatMap((key) => this.#artifacts.get(key) ?? []);
    return { is: told(own), from: told(reached(own, parents)), to: told(reached(own, children)) };
  }

  /** With what makes an output of one run a source of another. */
  #joined(): Map<Key, Set<Key>> {
    const parents = new Map([...this.#parents].map(([key, its]) => [key, new Set(its)]));
    const makers = new Map<string, Key[]>();
    for (const [key, { kind, hash }] of this.#artifacts)
      if ((kind === 'output' || kind === 'draft') && hash !== undefined)
        makers.set(hash, [...(makers.get(hash) ?? []), key]);
    for (const [key, { kind, hash }] of this.#artifacts)
      if (kind === 'source') makers.get(hash!)?.forEach((maker) => parents.get(key)!.add(maker));
    return parents;
  }
}

const outputKeyOf = ({ address }: PartStatus): Key => `${address}#output`;

const hashIn = ({ hash }: { readonly hash?: string }): { readonly hash?: string } =>
  hash === undefined ? {} : { hash };

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
