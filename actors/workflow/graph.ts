/**
 * From the declaration of a workflow to its graph: durations in milliseconds, defaults in their places, every node with the logic that
 * does its work. Takes only what `check.ts` has passed.
 */
import type { AnyActorLogic } from 'xstate';
import { microsOf } from '../../machines/values/money.ts';
import type { Patience } from '../../machines/review/input.ts';
import { strategies } from '../../machines/faults/strategies.ts';
import type { Strategy } from '../../machines/faults/strategy.ts';
import type { TaskSpec } from '../../machines/task/words.ts';
import type {
  BranchNode,
  Compensation,
  Data,
  ErrorPolicy,
  Graph,
  GraphNode,
  JoinRule,
  Mapper,
  WorkNode,
  WorkOutcome,
  WorkStart,
} from '../../machines/workflow/graph.ts';
import { undoOf } from '../../machines/workflow/graph.ts';
import { loopMachine } from '../../machines/workflow/loop.ts';
import { mapMachine } from '../../machines/workflow/map.ts';
import { INITIAL, reduced } from '../../machines/workflow/reducer.ts';
import { runMachine } from '../../machines/workflow/run.ts';
import { truthOf } from '../../machines/workflow/truth.ts';
import { undoOfEach, undoOfRun } from '../../machines/workflow/undo.ts';
import { durable, millisOf } from '../../runtime/index.ts';
import { payersOf } from '../budgets/budget.ts';
import type { Budget } from '../budgets/budget.ts';
import { InputRefused, OutputRefused } from '../errors.ts';
import { schemaOf } from '../schema/checked.ts';
import type { Checked } from '../schema/checked.ts';
import type { SchemaLike } from '../schema/inferred.ts';
import { OF_TASKS } from '../reserved-answers.ts';
import { othersFor } from '../verifiers/verifier.ts';
import { ask } from './asked.ts';
import { isTask } from './declaration.ts';
import type {
  AnyDeclaration,
  Body,
  BranchOptions,
  CallOptions,
  GateOptions,
  JoinOption,
  LoopOptions,
  MapOptions,
  OnError,
  TaskOptions,
  TimesOptions,
  WorkflowOptions,
} from './declaration.ts';
import { saidAbout } from './about.ts';
import {
  calendarIn,
  namedBy,
  outcomeOfProbe,
  outcomeOfReview,
  proposedBy,
  reviewAfter,
  reviewInputOf,
} from './gate-review.ts';
import { calendarFor, timesOf } from './gate-times.ts';
import { inputOf, picking, taken, valuesOfBody } from './inputs.ts';
import { labelsIn } from './labels.ts';
import { moneyTermsOf } from './money-terms.ts';
import type { MoneyTerms } from './money-terms.ts';
import { edgePolicyOf, needOf } from './need.ts';
import type { Office } from './office.ts';
import { orderChecksAt, orderChecksOfNested, orderChecksOfUndoing, orderChecksOfVoters } from './orders.ts';
import type { Named, OrderChecks } from './orders.ts';
import { valueAt } from './reference.ts';
import { TaskMachines } from './task-machines.ts';
import { withoutMoney, withRetries } from './task-strategy.ts';
import { writtenNode, writtenWorkflow } from './written.ts';

export type AnyWorkflowOptions = WorkflowOptions<Readonly<Record<string, AnyDeclaration>>>;

/** Finds the declaration of a workflow that is a part of another. */
export type DeclarationOf = (logic: AnyActorLogic) => AnyWorkflowOptions | undefined;

/** What holds for a workflow because of what it is a part of. */
interface Around {
  readonly labels: readonly string[];
  readonly money: MoneyTerms | undefined;
}

const OUTERMOST: Around = { labels: [], money: undefined };

export function graphOf(
  options: AnyWorkflowOptions,
  office: Office,
  declarationOf: DeclarationOf,
  around: Around = OUTERMOST,
): Graph {
  return new Building(options, office, declarationOf, around).graph();
}

const DEFAULT_TIMEOUT_MS = 5 * 60_000;
const DEFAULT_CONCURRENCY = 16;
const MAX_ATTEMPTS = 100;

class Building {
  readonly #options: AnyWorkflowOptions;
  readonly #office: Office;
  readonly #declarationOf: DeclarationOf;
  readonly #labels: ReadonlyMap<string, readonly string[]>;
  readonly #money: MoneyTerms | undefined;
  readonly #taskMachines = new TaskMachines();

  constructor(
    options: AnyWorkflowOptions,
    office: Office,
    declarationOf: DeclarationOf,
    { labels, money }: Around,
  ) {
    this.#options = options;
    this.#office = office;
    this.#declarationOf = declarationOf;
    this.#labels = labelsIn(options, declarationOf, labels);
    this.#money = moneyTermsOf(options.budget, money);
  }

  graph(): Graph {
    const { id, tasks, inputSchema, outputSchema, output, parallel = Infinity } = this.#options;
    const { shared = {}, budget } = this.#options;
    const names = Object.keys(tasks);
    return {
      id,
      nodes: Object.fromEntries(names.map((name) => [name, this.#node(name, tasks[name]!)])),
      parallel,
      shared: Object.fromEntries(
        Object.entries(shared).map(([name, { reduce = 'last', initial = INITIAL[reduce] }]) => [
          name,
          { reduce, initial },
        ]),
      ),
      written: {
        definition: writtenWorkflow(this.#options)?.hash,
        output,
        outputSchema: schemaOf(outputSchema)?.hash,
      },
      output: checked(id, output ?? this.#outputOfLeaves(), schemaOf(outputSchema)),
      ask,
      checkInput: inputCheckOf(id, inputSchema, budget),
      account: budget === undefined ? undefined : this.#account(budget),
    };
  }

  #account(budget: Budget): NonNullable<Graph['account']> {
    const { account } = this.#office;
    return {
      logic: account,
      input: (above, input) => {
        const within = payersOf(budget, input);
        return {
          limit: budget.limit / 1_000_000,
          within: above === undefined ? within : [above, ...within],
          overdraft: 'undoing',
        };
      },
    };
  }

  /** The output of the last node, or those of the last nodes by name. */
  #outputOfLeaves(): Mapper {
    const { tasks } = this.#options;
    const needed = new Set(Object.values(tasks).flatMap((node) => needsIn(node).map((need) => need.node)));
    const leaves = Object.keys(tasks).filter((name) => !needed.has(name) && !isProbe(tasks[name]!));
    return leaves.length === 1
      ? (outputs) => outputs[leaves[0]!]
      : (outputs) =>
          Object.fromEntries(
            leaves.flatMap((name) => (Object.hasOwn(outputs, name) ? [[name, outputs[name]]] : [])),
          );
  }

  #node(name: string, node: AnyDeclaration): GraphNode {
    const { options } = node;
    const base = {
      declared: {
        ...declaredIn(node),
        ...(node.kind === 'gate' && calendarIn(node.options, this.#options.calendar)),
        written: writtenNode(node),
      },
      needs: needsIn(node),
      wait: joinRuleOf(options),
      when: options.when as Mapper<boolean> | undefined,
      onError: errorPolicyOf(options.onError),
      writes: writesOf(options.writes),
    };
    switch (node.kind) {
      case 'task':
        return withLogic({ ...base, kind: 'task', ...this.#task(name, node.options) }, () =>
          this.#told(this.#taskLogic(name, name, node.options), { node: name }, node),
        );
      case 'gate':
        return { ...base, kind: 'gate', ...this.#gate(name, node.options) };
      case 'map':
        return { ...base, kind: 'map', ...this.#map(name, node) };
      case 'loop':
        return { ...base, kind: 'loop', ...this.#loop(name, node) };
      case 'call':
        return { ...base, kind: 'call', ...this.#call(name, node.options) };
      case 'branch':
        return { ...base, kind: 'branch', ...branchOf(node.options) };
      case 'join':
        return { ...base, kind: 'join' };
    }
  }

  #task(name: string, options: TaskOptions): Omit<Own, 'logic'> {
    const { context } = options;
    return {
      ...AS_WORK,
      input: inputOf(options),
      values: context === undefined ? () => ({}) : picking(context),
      compensate: ordered(this.#compensation(name, options), undoing({ node: name })),
    };
  }

  /**
   * @param node that it is, or belongs to
   * @param undoes whether it undoes what that has done
   */
  #taskLogic(node: string, name: string, options: TaskOptions, undoes = false): AnyActorLogic {
    const { capability, agent = [], fallback = [], maxCost, verify = [], onError, chunk, router } = options;
    const duty = {
      ...{ workflow: this.#options.id, task: name, capability, fallback, verify, chunk, router },
      agents: typeof agent === 'string' ? [agent] : agent,
      inputSchema: schemaOf(options.inputSchema),
      outputSchema: schemaOf(options.outputSchema),
      maxCost: maxCost === undefined ? undefined : microsOf(maxCost),
      perTask: undoes ? undefined : this.#money?.most,
      labels: this.#labels.get(node)!,
      about: options.about,
    };
    const vote = othersFor(verify);
    const { perTask } = this.#money ?? {};
    const spec: TaskSpec = {
      timeoutMs: options.timeout === undefined ? DEFAULT_TIMEOUT_MS : millisOf(options.timeout, 'timeout'),
      deadlineMs: options.deadline === undefined ? undefined : millisOf(options.deadline, 'deadline'),
      threshold: options.quality ?? 0,
      strategy: this.#strategyFor(options, undoes),
      maxAttempts: MAX_ATTEMPTS,
      reviewers: options.reviewers,
      escalateTo: typeof onError === 'object' && 'escalateTo' in onError ? onError.escalateTo : undefined,
      verifies: verify.length > 0,
      ...(vote !== undefined && { vote }),
      ...(options.review !== undefined && { patience: this.#patienceOf(options.review) }),
      chunks: chunk !== undefined,
      ...(undoes ? { undoes } : perTask !== undefined && { perTask }),
      ...(options.compensate !== undefined && { undoable: true }),
    };
    return this.#taskMachines.machineFor(spec, this.#office.taskActors(duty), toldAsVoter);
  }

  #patienceOf(review: TimesOptions): Patience {
    return timesOf(review, calendarFor(review, this.#options.calendar));
  }

  #strategyFor(
    { strategy = this.#options.strategy ?? strategies.standard, retry }: TaskOptions,
    undoes: boolean,
  ): Strategy {
    const how = undoes ? 'undoing' : this.#money?.onExhausted;
    const paid = how === undefined ? strategy : withoutMoney(strategy, how);
    return retry === undefined ? paid : withRetries(paid, retry);
  }

  #gate(name: string, options: GateOptions): Own {
    const { about, probe = false } = options;
    const calendar = calendarFor(options, this.#options.calendar);
    return {
      ...asOther(this.#office.review, reviewAfter, probe ? outcomeOfProbe : outcomeOfReview),
      input: (outputs, view) => {
        const proposal = proposedBy(inputOf(options)(outputs, view));
        const said = about === undefined ? {} : saidAbout(about(outputs as never, view));
        const fourEyes = namedBy(options.fourEyes, outputs, view);
        return reviewInputOf(name, options, { proposal, about: said, fourEyes }, calendar);
      },
      values: () => ({}),
      compensate: undefined,
    };
  }

  #map(name: string, node: Extract<AnyDeclaration, { kind: 'map' }>): Own {
    const { options } = node;
    const { over, each, item = (one: Data) => one, concurrency = DEFAULT_CONCURRENCY } = options;
    const { onItemError = 'fail', reduce } = options;
    const { logic: body, compensate } = this.#body(name, each);
    const logic = mapMachine({
      concurrency,
      onItemError,
      each: body,
      input: item,
      reduce: reducing(reduce),
      checkInput: this.#inputCheckOf(each),
      ask,
      compensate,
    });
    return {
      ...asWork(this.#told(logic, { node: name }, node)),
      input: over as Mapper,
      values: valuesOfBody(each),
      compensate: ordered(undoOfEach(compensate), undoing({ node: name })),
    };
  }

  #loop(name: string, node: Extract<AnyDeclaration, { kind: 'loop' }>): Own {
    const { options } = node;
    const { body, until, times, next = (output: Data) => output as unknown, whenSpent = 'fail' } = options;
    const checkInput = this.#inputCheckOf(body);
    const { logic: work, compensate } = this.#body(name, body);
    const doing = { body: work, checkInput, ask, compensate };
    const logic = loopMachine({ ...doing, until, times, next, whenSpent });
    return {
      ...asWork(this.#told(logic, { node: name }, node)),
      input: taken(inputOf(options), checkInput),
      values: valuesOfBody(body),
      compensate: ordered(undoOfEach(compensate), undoing({ node: name })),
    };
  }

  #call(name: string, options: CallOptions): Own {
    const nested = this.#nested({ node: name }, options.workflow);
    const own =
      nested === undefined
        ? asOther(
            options.workflow,
            (start) => start.input,
            (output) => ({ status: 'complete', output }),
          )
        : asWork(nested.logic);
    const input = taken(inputOf(options), this.#inputCheckOf(options.workflow));
    return { ...own, input, values: () => ({}), compensate: nested?.compensate };
  }

  #body(name: string, body: Body): Work {
    const named = { node: name, isNumbered: true };
    if (!isTask(body)) return this.#nested(named, body)!;
    return {
      logic: this.#told(this.#taskLogic(name, name, body.options), named, body),
      compensate: ordered(this.#compensation(name, body.options), undoing(named)),
    };
  }

  /** What undoes a task, if it says so. @param node that it is, or belongs to */
  #compensation(node: string, { compensate }: TaskOptions): Compensation | undefined {
    if (compensate === undefined) return undefined;
    return {
      logic: this.#taskLogic(node, `undo ${node}`, compensate, true),
      input: compensate.input ?? ((output: Data, input: Data) => ({ output, input })),
      ask,
    };
  }

  /** What is said to it from outside says by whom it is decided, and means somebody. */
  #told(logic: AnyActorLogic, named: Named, declared: AnyDeclaration): AnyActorLogic {
    return asAsker(logic, orderChecksAt(named, declared, this.#declarationOf));
  }

  /** A workflow within this one. */
  #nested(named: Named, logic: AnyActorLogic): Work | undefined {
    const options = this.#declarationOf(logic);
    if (options === undefined) return undefined;
    const around = { labels: this.#labels.get(named.node)!, money: this.#money };
    const graph = graphOf(options, this.#office, this.#declarationOf, around);
    const machine = runMachine(graph, { isNested: true });
    return {
      logic: durable(machine, orderChecksOfNested(named, options, this.#declarationOf)),
      compensate: ordered(undoOfRun(graph), undoing(named)),
    };
  }

  /** What a workflow within this one says of what it is given. A task says it of each attempt. */
  #inputCheckOf(body: Body | AnyActorLogic): (input: unknown) => void {
    const declared = isTask(body) ? undefined : this.#declarationOf(body);
    return inputCheckOf(declared?.id ?? '', declared?.inputSchema, declared?.budget);
  }
}

/** What people think of it is no part of what a run comes to. */
const isProbe = ({ kind, options }: AnyDeclaration): boolean => kind === 'gate' && options.probe === true;

/** What is done for each item, each time, or as a run within the run; and what undoes it. */
type Work = Pick<WorkNode, 'logic' | 'compensate'>;

/** What a kind of node says for itself. */
type Own = Pick<WorkNode, 'logic' | 'start' | 'outcome' | 'cancels' | 'input' | 'values' | 'compensate'>;

const AS_WORK = { start: undefined, outcome: undefined, cancels: 'asks' } as const;

/** Whoever asks for money, and for agents, and believes what comes of it. */
const asAsker = (logic: AnyActorLogic, checks: OrderChecks): AnyActorLogic =>
  durable(logic, { ...checks, reserves: OF_TASKS });

const toldAsVoter = (logic: AnyActorLogic): AnyActorLogic => asAsker(logic, orderChecksOfVoters);

/** How whoever undoes what somebody has done is named. */
const undoing = (named: Named): Named => ({ ...named, node: undoOf(named.node) });

/** Those who undo are told as those who work are. */
const ordered = (compensation: Compensation | undefined, named: Named): Compensation | undefined =>
  compensation && {
    ...compensation,
    logic: asAsker(compensation.logic, orderChecksOfUndoing(named)),
  };

const asWork = (logic: AnyActorLogic) => ({ logic, ...AS_WORK }) as const;

/** A node whose logic is made when it is asked for: of a workflow that is only looked at nobody asks. */
function withLogic(node: Omit<WorkNode, 'logic'>, make: () => AnyActorLogic): WorkNode {
  let made: AnyActorLogic | undefined;
  return Object.defineProperty(node as WorkNode, 'logic', {
    enumerable: true,
    get: () => (made ??= make()),
  });
}

const asOther = (
  logic: AnyActorLogic,
  start: (start: WorkStart) => unknown,
  outcome: (output: unknown) => WorkOutcome,
) => ({ logic, start, outcome, cancels: 'stops' }) as const;

function branchOf({ arms, otherwise }: BranchOptions): Pick<BranchNode, 'arms' | 'choose' | 'otherwise'> {
  return {
    arms: Object.keys(arms),
    choose: (outputs, view) =>
      Object.entries(arms).find(([arm, holds]) =>
        truthOf(`the arm '${arm}'`, holds(outputs as never, view)),
      )?.[0],
    otherwise: otherwise === 'fail' ? undefined : otherwise,
  };
}

/** Everything that decides: functions by their source text, schemas by their hashes, verifiers by name, version, and what was declared. */
function declaredIn({ kind, options }: { readonly kind: string; readonly options: unknown }): object {
  const { inputSchema, outputSchema, schema, verify, each, body, ...rest } = options as TaskOptions &
    Pick<GateOptions, 'schema'> &
    Partial<Pick<MapOptions, 'each'> & Pick<LoopOptions, 'body'>>;
  return {
    ...{ kind, ...rest },
    schemas: [inputSchema, outputSchema, schema].map((one) => schemaOf(one)?.hash ?? ''),
    verify: verify?.map(({ name, version, declared }) =>
      declared === undefined ? `${name}@${version}` : [`${name}@${version}`, declared],
    ),
    within: [each, body].map((one) => (one !== undefined && 'kind' in one ? declaredIn(one as never) : '')),
  };
}

// ---- parts --------------------------------------------------------------------------------------------------------

export const needsIn = ({ options }: AnyDeclaration) => (options.needs ?? []).map(needOf);

export function joinRuleOf({
  join = 'all',
  joinWithin,
  losers = 'cancel',
}: AnyDeclaration['options']): JoinRule {
  return {
    join: joinOf(join),
    withinMs: joinWithin === undefined ? undefined : millisOf(joinWithin, 'joinWithin'),
    cancelsLosers: losers === 'cancel',
  };
}

function joinOf(join: JoinOption): JoinRule['join'] {
  if (typeof join === 'object') return { kind: 'atLeast', count: join.atLeast };
  return join === 'first-success' ? { kind: 'atLeast', count: 1 } : { kind: join };
}

export function errorPolicyOf(onError: OnError | undefined): ErrorPolicy {
  if (onError === undefined || onError === 'fail' || onError === 'compensate')
    return { kind: onError ?? 'fail' };
  // Whoever decides may refuse it all the same.
  if (typeof onError === 'object' && 'escalateTo' in onError) return { kind: 'fail' };
  return edgePolicyOf(onError);
}

function writesOf(writes: AnyDeclaration['options']['writes']): GraphNode['writes'] {
  return Object.fromEntries(
    Object.entries(writes ?? {}).map(([key, pick]) => [
      key,
      typeof pick === 'function' ? pick : (output: unknown) => valueAt(output, pick),
    ]),
  );
}

function reducing(reduce: MapOptions['reduce']): (outputs: readonly unknown[]) => unknown {
  if (typeof reduce === 'function') return reduce;
  if (reduce === undefined) return (outputs) => outputs;
  return (outputs) =>
    outputs.reduce((before: unknown, output) => reduced(reduce, before, output), INITIAL[reduce]);
}

/** What a run comes to, held against its schema. */
function checked(workflow: string, output: Mapper, schema: Checked | undefined): Mapper {
  if (schema === undefined) return output;
  return (outputs, view) => {
    const made = output(outputs, view);
    const checking = schema.check(made);
    if (!checking.ok) throw new OutputRefused(workflow, checking.problems);
    return made;
  };
}

/** What is said of an input before anything runs: it must keep its schema, and somebody must pay for it. */
function inputCheckOf(
  workflow: string,
  inputSchema: SchemaLike | undefined,
  budget: Budget | undefined,
): (input: unknown) => void {
  const schema = schemaOf(inputSchema);
  return (input) => {
    const checking = schema?.check(input);
    if (checking?.ok === false) throw new InputRefused(workflow, checking.problems);
    if (budget !== undefined) payersOf(budget, input);
  };
}
