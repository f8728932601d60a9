/**
 * A workflow in one file: the same as `workflow({ … })`, in YAML, JSON, or as an object, so that it can be read, compared and reviewed
 * by people who write no code. A text in `${ … }` is an expression in CEL; everything else stands for itself.
 *
 * It gives the same machine as the code would, and is looked at by the same checks. All that is wrong is told at once, each with its
 * pointer, its line and its column. What cannot stand in a file is given by name: other workflows, strategies, verifiers.
 */
import type { AnyActorLogic } from 'xstate';
import type { JSONSchema } from '../../../machines/contract.ts';
import { keysOf, pointerTo } from '../../../machines/values/json-pointer.ts';
import { OptionError } from '../../../machines/options.ts';
import { strategies as ownStrategies } from '../../../machines/faults/strategies.ts';
import { extend } from '../../../machines/faults/strategy.ts';
import type { Strategy } from '../../../machines/faults/strategy.ts';
import type { Iteration } from '../../../machines/workflow/loop.ts';
import { InvalidArgument } from '../../../runtime/index.ts';
import { budget } from '../../budgets/budget.ts';
import type { BudgetOptions } from '../../budgets/budget.ts';
import { InvalidWorkflow } from '../../errors.ts';
import type { ContractProblem } from '../../errors.ts';
import { schemaOf } from '../../schema/checked.ts';
import type { SchemaLike } from '../../schema/inferred.ts';
import { isRecord, plainCopyOf } from '../../schema/plain.ts';
import type { Verifier } from '../../verifiers/verifier.ts';
import { vote } from '../../verifiers/vote.ts';
import type { VoteOptions } from '../../verifiers/vote.ts';
import { problemsOf } from '../check.ts';
import { pointerOfPath } from '../check/given.ts';
import { branch, call, gate, join, loop, map, task } from '../declaration.ts';
import type { AnyDeclaration } from '../declaration.ts';
import { from } from '../reference.ts';
import type { Reference } from '../reference.ts';
import { declarationOf, workflowOf } from '../workflow.ts';
import type { WorkflowMachine } from '../workflow.ts';
import { definitionFrom, writeNode, writeWorkflow } from '../written.ts';
import { chunk } from '../../windows/chunking.ts';
import type { Chunking } from '../../windows/chunking.ts';
import { router } from '../../routing/rules.ts';
import type { RouterOptions } from '../../routing/rules.ts';
import { documentOf } from './document.ts';
import type { Place } from './document.ts';
import { expressionOf } from './expression.ts';
import type { Expression, Names, Wanted } from './expression.ts';

/** What a file refers to by name. */
export interface FileContext {
  /** What `call`, `map` and `loop` may have done besides tasks. */
  readonly workflows?: Readonly<Record<string, AnyActorLogic>>;
  /** Strategies besides `standard`, `finance` and `content`. */
  readonly strategies?: Readonly<Record<string, Strategy>>;
  readonly verifiers?: Readonly<Record<string, Verifier>>;
}

/**
 * The workflow that stands in a file: the text of it (YAML or JSON), or what it says, as an object.
 *
 * @throws InvalidWorkflow with everything that is wrong
 */
export function workflowFrom(file: string | object, context: FileContext = {}): WorkflowMachine {
  const { content, placeOf } = contentOf(file);
  const reading = new Reading(context);
  const options = reading.workflow(content);
  // What is wrong with an expression is not told again of the function that it would have been.
  const told = new Set(reading.problems.map(({ pointer }) => pointer));
  const others = problemsOf(options, declarationOf).filter(({ pointer }) => !told.has(pointer));
  const problems = [...reading.problems, ...others];
  if (problems.length > 0)
    throw refused(
      content,
      problems.map((problem) => ({ ...problem, ...placeOf?.(problem.pointer) })),
    );
  return workflowOf(writeWorkflow(options, definitionFrom(content)) as never);
}

type Record_ = Readonly<Record<string, unknown>>;

/** What a file says, as plain data. @throws InvalidWorkflow */
export function contentOf(file: string | object): {
  readonly content: unknown;
  readonly placeOf?: (pointer: string) => Place;
} {
  if (typeof file === 'string') {
    const { content, problems, placeOf } = documentOf(file);
    if (problems.length > 0) throw refused(undefined, problems);
    return { content: plainOf(content), placeOf };
  }
  return { content: plainOf(file) };
}

/** A copy that nobody can change any more. @throws InvalidWorkflow */
function plainOf(content: unknown): unknown {
  const plain = plainCopyOf(content);
  if (!plain.ok) throw refused(undefined, plain.problems);
  return plain.value;
}

function refused(content: unknown, problems: readonly ContractProblem[]): InvalidWorkflow {
  const id = isRecord(content) ? content['id'] : undefined;
  const inOrder = problems.toSorted(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
  return new InvalidWorkflow(typeof id === 'string' ? id : 'without a name', inOrder);
}

// ---- what stands where --------------------------------------------------------------------------------------------

const MAKE: Readonly<Record<string, (options: never) => AnyDeclaration>> = {
  task,
  gate,
  map,
  loop,
  call,
  branch,
  join,
};

type Values = Record_;
type Mapper = (
  values: Values,
  run: { readonly input: unknown; readonly shared: unknown; readonly absent: unknown },
) => unknown;

/** What may say `${` in a pattern. */
const SCHEMAS: ReadonlySet<string> = new Set(['inputSchema', 'outputSchema', 'schema']);

/** Names that mean something else in the expressions of nodes. `input` is none for a node anywhere. */
const MEANT: ReadonlySet<string> = new Set(['shared', 'absent', 'needs']);

/** What an expression may look at that is about an output, all outputs, an item, or one time of a loop. */
const OF_OUTPUT = { output: undefined };
const OF_OUTPUTS = { outputs: { type: 'array' } } as const;
const OF_UNDOING = { output: undefined, input: undefined };
const OF_ITEM = { item: undefined, index: { type: 'integer' } } as const;
const OF_TIME = {
  output: undefined,
  input: undefined,
  first: undefined,
  before: undefined,
  number: { type: 'integer' },
} as const;

class Reading {
  readonly problems: ContractProblem[] = [];
  readonly #context: FileContext;
  #content: Record_ = {};

  constructor(context: FileContext) {
    this.#context = context;
  }

  /** The options that `workflow` takes. What is wrong in them is found by whoever looks at those, and what is not, here. */
  workflow(content: unknown): object {
    if (!isRecord(content)) return {};
    this.#content = content;
    const { tasks, inputSchema } = content;
    const ofRun: Names = { input: jsonSchemaOf(inputSchema) };
    return {
      ...content,
      ...this.#with(content, '#', {
        budget: (given, at) => this.#budget(given, at, ofRun),
        strategy: (given, at) => this.#strategy(given, at),
        tenant: (given, at) => this.#tenant(given, at, ofRun),
        output: (given, at) => {
          const all = isRecord(tasks) ? Object.keys(tasks) : [];
          return this.#mapper(given, at, this.#namesFor(all));
        },
        tasks: (given, at) => (isRecord(given) ? this.#nodes(given, at) : given),
      }),
    };
  }

  /** Those fields that mean something else in a file than in code. */
  #with(
    given: Record_,
    place: string,
    fields: Readonly<Record<string, (given: unknown, at: string) => unknown>>,
  ): Record_ {
    const read: [name: string, meant: unknown][] = [];
    for (const [name, value] of Object.entries(given)) {
      const at = `${place}${pointerTo([name])}`;
      if (Object.hasOwn(fields, name)) read.push([name, fields[name]!(value, at)]);
      else if (!SCHEMAS.has(name)) this.#refuseExpressions(value, at);
    }
    return Object.fromEntries(read);
  }

  #fail(pointer: string, detail: string): void {
    this.problems.push({ pointer, detail });
  }

  /** Where nothing is computed, a text that looks as if it were would be taken for what it is. */
  #refuseExpressions(given: unknown, at: string): void {
    if (hasExpressions(given)) this.#fail(at, 'is no place for an expression');
  }

  // ---- nodes -------------------------------------------------------------------------------------------------------

  #nodes(tasks: Record_, place: string): Record_ {
    return Object.fromEntries(
      Object.entries(tasks).map(([name, node]) => {
        const at = `${place}${pointerTo([name])}`;
        if (MEANT.has(name))
          this.#fail(at, 'must have another name: in expressions this one means something else');
        return [name, this.#node(node, at)];
      }),
    );
  }

  #node(node: unknown, place: string): unknown {
    if (!isRecord(node)) return node;
    const { kind, ...fields } = node;
    const make = typeof kind === 'string' && Object.hasOwn(MAKE, kind) ? MAKE[kind]! : undefined;
    if (make === undefined) {
      this.#fail(`${place}/kind`, `must be one of ${Object.keys(MAKE).join(', ')}`);
      // Stands in for it, so that what else is wrong is told.
      return join({});
    }
    const names = this.#namesFor(neededIn(fields), worthSomethingElse(fields));
    const mapper = (given: unknown, at: string): unknown => this.#mapper(given, at, names);
    const options = {
      ...fields,
      ...this.#with(fields, place, {
        when: (given, at) => this.#condition(given, at, names),
        writes: (given, at) => this.#writes(given, at),
        ...this.#ofKind(kind as string, fields, names, mapper),
      }),
    };
    return writeNode(make(options as never), node);
  }

  #ofKind(
    kind: string,
    fields: Record_,
    names: Names,
    mapper: (given: unknown, at: string) => unknown,
  ): Readonly<Record<string, (given: unknown, at: string) => unknown>> {
    const input = (given: unknown, at: string): unknown => this.#input(given, at, names);
    switch (kind) {
      case 'task':
        return {
          input: (given, at) => input(this.#only('an object', given, at), at),
          ...this.#ofTask(fields),
        };
      case 'gate':
        return {
          input,
          about: (given, at) => mapper(this.#only('an object', given, at), at),
          fourEyes: (given, at) => (hasExpressions(given) ? mapper(given, at) : given),
        };
      case 'map':
        return {
          over: (given, at) => mapper(this.#only('a list', given, at), at),
          each: (given, at) => this.#body(given, at),
          item: (given, at) => {
            const made = this.#template(given, at, OF_ITEM);
            return (item: unknown, index: number) => made({ item, index });
          },
          reduce: (given, at) => this.#reduce(given, at),
        };
      case 'loop':
        return {
          input,
          body: (given, at) => this.#body(given, at),
          until: (given, at) => this.#ofTime(this.#expression(given, at, OF_TIME, 'bool')),
          next: (given, at) => this.#ofTime(this.#template(given, at, OF_TIME)),
        };
      case 'call':
        return {
          input,
          workflow: (given, at) => this.#named('workflow', this.#context.workflows, given, at),
        };
      case 'branch':
        return {
          arms: (given, at) =>
            isRecord(given)
              ? Object.fromEntries(
                  Object.entries(given).map(([arm, holds]) => [
                    arm,
                    this.#condition(holds, `${at}${pointerTo([arm])}`, names),
                  ]),
                )
              : given,
        };
      default:
        return {};
    }
  }

  #ofTask({ inputSchema }: Record_): Readonly<Record<string, (given: unknown, at: string) => unknown>> {
    return {
      strategy: (given, at) => this.#strategy(given, at),
      about: (given, at) => {
        const about = this.#only('an object', given, at);
        const made = this.#template(about, at, { input: jsonSchemaOf(inputSchema) });
        return (input: unknown) => made({ input });
      },
      router: (given, at) => {
        this.#refuseExpressions(given, at);
        return this.#made('router', at, () => router(given as RouterOptions));
      },
      chunk: (given, at) => {
        this.#refuseExpressions(given, at);
        return this.#made('chunk', at, () => chunk(given as Chunking));
      },
      verify: (given, at) =>
        Array.isArray(given)
          ? given.map((one, index) => this.#verifier(one, `${at}/${index}`) ?? UNREAD)
          : given,
      compensate: (given, at) =>
        isRecord(given)
          ? {
              ...given,
              ...this.#with(given, at, {
                input: (wanted, place) => {
                  const made = this.#template(wanted, place, OF_UNDOING);
                  return (output: unknown, input: unknown) => made({ output, input });
                },
              }),
            }
          : given,
    };
  }

  /** A task, or a workflow by its name. */
  #body(given: unknown, at: string): unknown {
    if (typeof given === 'string') return this.#named('workflow', this.#context.workflows, given, at);
    if (!isRecord(given)) return given;
    const { kind, ...fields } = given;
    if (kind !== 'task') this.#fail(`${at}/kind`, "must be 'task'; a workflow is said by its name alone");
    return task({ ...fields, ...this.#with(fields, at, this.#ofTask(fields)) });
  }

  /** A reducer by its name, or what becomes of all outputs. */
  #reduce(given: unknown, at: string): unknown {
    if (!hasExpressions(given)) return given;
    const made = this.#template(given, at, OF_OUTPUTS);
    return (outputs: unknown) => made({ outputs });
  }

  /** Whose a run is: always the same, or told by its input. */
  #tenant(given: unknown, at: string, names: Names): (input: unknown) => unknown {
    if (typeof given !== 'string' || given.trim() === '')
      this.#fail(at, 'must be a text, or an expression that gives one');
    if (!hasExpressions(given)) return () => given;
    const made = this.#expression(given, at, names, 'text');
    return (input) => made({ input });
  }

  #writes(given: unknown, at: string): unknown {
    if (!isRecord(given)) return given;
    return Object.fromEntries(
      Object.entries(given).map(([key, pick]) => {
        if (typeof pick !== 'string' || !isExpression(pick)) return [key, pick];
        const made = this.#expression(pick, `${at}${pointerTo([key])}`, OF_OUTPUT, 'value');
        return [key, (output: unknown) => made({ output })];
      }),
    );
  }

  // ---- expressions -------------------------------------------------------------------------------------------------

  /**
   * What the expressions of a node may look at: what it needs, and the run.
   * @param unknown those whose schemas do not say what it is
   */
  #namesFor(needed: readonly string[], unknown: readonly string[] = []): Names {
    const { tasks, inputSchema } = this.#content;
    const all = isRecord(tasks) ? tasks : {};
    const outputs = Object.fromEntries(
      needed.map((name) => [
        name,
        Object.hasOwn(all, name) && !unknown.includes(name) ? schemaOfNode(all[name]) : undefined,
      ]),
    );
    return {
      ...outputs,
      input: jsonSchemaOf(inputSchema),
      shared: undefined,
      absent: undefined,
      // The outputs again, for names that cannot be said by themselves.
      needs: objectOf(outputs),
    };
  }

  /** Where nothing else makes sense: what is said as it is must be such. What an expression gives is looked at when it is there. */
  #only(form: 'an object' | 'a list', given: unknown, at: string): unknown {
    const isExpressed = typeof given === 'string' && isExpression(given);
    if (!isExpressed && !(form === 'a list' ? Array.isArray(given) : isRecord(given)))
      this.#fail(at, `must be ${form}, or an expression that gives one: \${ … }`);
    return given;
  }

  #mapper(given: unknown, at: string, names: Names): Mapper {
    return ofNode(this.#template(given, at, names));
  }

  #condition(given: unknown, at: string, names: Names): Mapper {
    return ofNode(this.#expression(given, at, names, 'bool'));
  }

  /** Of a time of a loop. Nothing came before the first, which is null in an expression: it knows no variable without a value. */
  #ofTime(made: (values: Values) => unknown) {
    return (output: unknown, iteration: Iteration): unknown =>
      made({ ...iteration, before: (iteration.before as unknown) ?? null, output });
  }

  /** An input: parts that are taken as they are stay references, which can be checked before anything runs. */
  #input(given: unknown, at: string, names: Names): unknown {
    if (!isRecord(given)) return this.#mapper(given, at, names);
    return Object.fromEntries(
      Object.entries(given).map(([key, part]) => {
        const place = `${at}${pointerTo([key])}`;
        if (!hasExpressions(part)) return [key, part];
        if (typeof part !== 'string') return [key, this.#mapper(part, place, names)];
        const expression = this.#compiled(part, place, names, 'value');
        if (expression === undefined) return [key, null];
        return [key, referenceIn(expression) ?? ofNode((values) => expression.evaluate(values))];
      }),
    );
  }

  /** A value with expressions in it, at any depth. */
  #template(given: unknown, at: string, names: Names): (values: Values) => unknown {
    if (!hasExpressions(given)) return () => given;
    if (typeof given === 'string') return this.#expression(given, at, names, 'value');
    const parts = Object.entries(given as object).map(
      ([key, part]) => [key, this.#template(part, `${at}${pointerTo([key])}`, names)] as const,
    );
    if (Array.isArray(given)) return (values) => parts.map(([, make]) => make(values));
    return (values) => Object.fromEntries(parts.map(([key, make]) => [key, make(values)]));
  }

  #expression(given: unknown, at: string, names: Names, wanted: Wanted): (values: Values) => unknown {
    const expression = this.#compiled(given, at, names, wanted);
    return expression === undefined ? () => undefined : (values) => expression.evaluate(values);
  }

  #compiled(given: unknown, at: string, names: Names, wanted: Wanted): Expression | undefined {
    const text =
      typeof given === 'string' ? /^\s*\$\{(?<text>[^]*)\}\s*$/.exec(given)?.groups?.['text'] : undefined;
    if (text === undefined || text.includes('${')) {
      const whole = wanted === 'bool' ? 'must be an expression' : 'must be one expression as a whole';
      this.#fail(at, `${whole}: \${ … }${wanted === 'bool' ? '' : ', in which texts are joined with +'}`);
      return undefined;
    }
    const reading = expressionOf(text, names, wanted);
    if (reading.ok) return reading.expression;
    this.#fail(at, reading.detail);
    return undefined;
  }

  // ---- what is said by name ----------------------------------------------------------------------------------------

  #named<T>(
    what: string,
    known: Readonly<Record<string, T>> = {},
    given: unknown,
    at: string,
  ): T | undefined {
    if (typeof given === 'string' && Object.hasOwn(known, given)) return known[given];
    const names = Object.keys(known);
    const there =
      names.length === 0 ? `give it with workflowFrom(file, { ${what}s })` : `there is ${names.join(', ')}`;
    this.#fail(at, `must be the name of a ${what}: ${there}`);
    return undefined;
  }

  #strategy(given: unknown, at: string): Strategy | undefined {
    const known = { ...ownStrategies, ...this.#context.strategies };
    if (!isRecord(given)) return this.#named('strategy', known, given, at);
    const { base, rows, ...rest } = given;
    this.#refuseExpressions(rows, `${at}/rows`);
    for (const name of Object.keys(rest))
      this.#fail(`${at}${pointerTo([name])}`, 'means nothing; there are base, rows');
    const found = this.#named('strategy', known, base, `${at}/base`);
    if (found === undefined) return undefined;
    try {
      return extend(found, {
        name: `${found.name} of ${String(this.#content['id'])}`,
        rows: rows as Strategy['rows'],
      });
    } catch (error) {
      if (!(error instanceof OptionError)) throw error;
      this.#fail(`${at}${pointerOfPath(error.option)}`, error.message);
      return undefined;
    }
  }

  /** One by its name, or a vote, which can be said in full. */
  #verifier(given: unknown, at: string): Verifier | undefined {
    if (!isRecord(given)) return this.#named('verifier', this.#context.verifiers, given, at);
    this.#refuseExpressions(given, at);
    for (const name of Object.keys(given))
      if (name !== 'vote') this.#fail(`${at}${pointerTo([name])}`, 'means nothing; there is vote');
    return this.#made('', at, () => vote(given['vote'] as VoteOptions));
  }

  #budget(given: unknown, at: string, names: Names): unknown {
    const options = isRecord(given) ? { ...given, ...this.#within(given, at, names) } : given;
    return this.#made('budget', at, () => budget(options as BudgetOptions));
  }

  /** Which accounts pay besides: always the same, or told by the input of the run. */
  #within({ within }: Record_, at: string, names: Names): Record_ {
    if (!hasExpressions(within)) return {};
    const made = this.#template(within, `${at}/within`, names);
    return { within: (input: unknown) => made({ input }) };
  }

  /** What is made of what stands in full; undefined where it makes no sense. @param root what its paths begin with */
  #made<T>(root: string, at: string, make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof InvalidArgument)) throw error;
      const { path, message } = error;
      this.#fail(`${at}${pointerOfPath(path.slice(root.length))}`, message.replace(path, '').trim());
      return undefined;
    }
  }
}

/** Stands in for a verifier that is not there, so that what else is wrong is told. */
const UNREAD: Verifier = { name: 'unread', version: 1, check: () => ({ ok: true }) };

// ---- parts --------------------------------------------------------------------------------------------------------

/** A function of values, as a mapper of a node. */
const ofNode =
  (made: (values: Values) => unknown): Mapper =>
  (outputs, { input, shared, absent }) =>
    made({ ...outputs, needs: outputs, input, shared, absent });

/** What an expression takes as it is, of a node or of the input of the run; undefined where it does more. */
function referenceIn({ path }: Expression): Reference | undefined {
  if (path === undefined || path.name === 'shared' || path.name === 'absent') return undefined;
  if (path.name === 'input') return from.input(path.pointer);
  if (path.name !== 'needs') return from(path.name, path.pointer);
  const [node, ...keys] = keysOf(path.pointer);
  return node === undefined ? undefined : from(node, pointerTo(keys));
}

/** What is known of an object with such parts. */
const objectOf = (parts: Names): JSONSchema => ({
  type: 'object',
  properties: Object.fromEntries(Object.entries(parts).map(([name, schema]) => [name, schema ?? true])),
  additionalProperties: false,
});

const isExpression = (text: string): boolean => text.includes('${');

function hasExpressions(given: unknown): boolean {
  if (typeof given === 'string') return isExpression(given);
  return typeof given === 'object' && given !== null && Object.values(given).some(hasExpressions);
}

/** The nodes that a node needs, as far as that can be read. */
function neededIn({ needs }: Record_): readonly string[] {
  if (!Array.isArray(needs)) return [];
  return needs.flatMap((need: unknown) => {
    const text = isRecord(need) ? need['node'] : need;
    return typeof text === 'string' ? [text.split('.', 1)[0]!] : [];
  });
}

/** Those of them that are worth something else to it where they fail. */
const worthSomethingElse = ({ needs }: Record_): readonly string[] =>
  Array.isArray(needs)
    ? neededIn({ needs: needs.filter((need: unknown) => isRecord(need) && isRecord(need['onError'])) })
    : [];

/** What comes out of a node, where that is known for certain. */
function schemaOfNode(node: unknown): JSONSchema | undefined {
  // One that has failed may stand for something else.
  return isRecord(node) && node['kind'] === 'task' && !isRecord(node['onError'])
    ? jsonSchemaOf(node['outputSchema'])
    : undefined;
}

const jsonSchemaOf = (schema: unknown): JSONSchema | undefined =>
  schemaOf(schema as SchemaLike | undefined)?.jsonSchema;
