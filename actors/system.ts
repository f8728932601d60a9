/**
 * A system with staff: what `createSystem` of `heddle` opens. It is a system as the runtime has it; agents among its actors are
 * registered, workflows get somebody in their offices, and people find what waits for them.
 */
import type { AnyActorRef, AnyEventObject } from 'xstate';
import {
  createSystem as openSystem,
  DEFAULT_PRINCIPAL,
  durable,
  InvalidArgument,
  specOf,
} from '../runtime/index.ts';
import type {
  ActorDefinition,
  ActorDefinitions,
  Principal,
  System,
  SystemOptions,
  SystemView,
} from '../runtime/index.ts';
import { roster } from '../machines/absence/roster.ts';
import type { RosterMachine } from '../machines/absence/roster.ts';
import { hasReviews } from '../machines/review/has-reviews.ts';
import { trackRecord } from '../machines/routing/track-record.ts';
import { isAgent } from './agents/agent.ts';
import type { Agent, AnyAgent, Contract } from './agents/agent.ts';
import { satisfying } from './agents/capability.ts';
import { Belongings } from './state/belonging.ts';
import { Content, CONTENT, contentLogic } from './state/content.ts';
import { LATE, lateLogic } from './state/late-replies.ts';
import { lineageIn } from './state/lineage.ts';
import type { Lineage, LineageOptions } from './state/lineage.ts';
import { Halts } from './halts/halts.ts';
import { reservedIfAccount, reservedRecord } from './reserved-answers.ts';
import { REVIEW_OBLIGATIONS } from './reviews/review-permission.ts';
import { ABSENCES } from './reviews/absences.ts';
import { rosterIn } from './reviews/claims.ts';
import type { ClaimsHost } from './reviews/claims.ts';
import { OwnReviews } from './reviews/own-reviews.ts';
import { Reviews } from './reviews/reviews.ts';
import type { ReviewsOptions } from './reviews/reviews.ts';
import { startersOf } from './reviews/starters.ts';
import { RECORD_KINDS } from './routing/records.ts';
import { isRouter } from './routing/rules.ts';
import type { Router } from './routing/rules.ts';
import { versionsKept } from './state/manifest.ts';
import { Runs } from './state/runs.ts';
import { Staff } from './staff.ts';
import { ANSWERS, answersLogic } from './staffing/memory.ts';
import type { Workplace } from './staffing/workplace.ts';
import { isRun } from './state/stood.ts';
import type { Stood } from './state/stood.ts';
import { declarationAt } from './state/run-path.ts';
import { task } from './workflow/declaration.ts';
import { runViewOf } from './workflow/view.ts';
import {
  declarationOf,
  doersIn,
  eventChecksOf,
  inputCheckOf,
  schemasOfGates,
  staffed,
  workflow,
} from './workflow/workflow.ts';
import type { WorkflowMachine } from './workflow/workflow.ts';

/** The actors of a system, by name: logic, workflows, and agents. */
export type StaffedDefinitions = Readonly<Record<string, ActorDefinition | AnyAgent>>;

/** What is hosted under each name: of an agent, a workflow of one task. */
export type Hosted<TActors extends StaffedDefinitions> = {
  readonly [TName in keyof TActors]: TActors[TName] extends { readonly contract: Contract<infer TInput> }
    ? WorkflowMachine<TInput>
    : TActors[TName] extends ActorDefinition
      ? TActors[TName]
      : never;
};

/** A system in somebody's hands. */
export type HeddleView<TActors extends ActorDefinitions> = {
  as(principal: Principal): HeddleView<TActors>;
  /** What waits for people; what is done with it is done by this principal. */
  readonly reviews: OwnReviews;
} & SystemView<TActors>;

// What comes first is meant where both have it.
export type HeddleSystem<TActors extends ActorDefinitions> = {
  /** @throws InvalidArgument */
  as(principal: Principal): HeddleView<TActors>;
} & System<TActors> & {
    /** What waits for people. */
    readonly reviews: Reviews;
    /** How runs of workflows stand, and stood. */
    readonly runs: Runs;
    /** What was found and made in workflows, by its hash. */
    readonly content: Content;
    /**
     * What something was made of, and what was made of it.
     * @param hash of a source, an input or an output
     * @throws UnknownContent
     */
    lineage(hash: string, options?: LineageOptions): Promise<Lineage>;
    /** The kill switch. */
    readonly halts: Halts;
  };

/** As for a system of the runtime; among the actors there may be agents. */
export type StaffedOptions<TActors extends StaffedDefinitions> = Omit<
  SystemOptions<Hosted<TActors>>,
  'actors'
> &
  Supplies & { readonly actors: TActors };

/** What there is for agents besides. */
export interface Supplies {
  /**
   * The rules by which agents are chosen: `router({ prefer: 'quality' })`. With them it is recorded what comes of the attempts of each
   * agent, in `quality/<agent>`, and of shadows in `shadow/<agent>`. Default: the cheapest who is there.
   */
  readonly router?: Router;
  /** The stored text of a source, by its hash: `citations` looks quotes up in it. */
  readonly sources?: (hash: string) => string | undefined;
}

/**
 * Opens a system: opens or creates its store, brings back what is owed, and lets it go on.
 *
 * @throws StoreLocked, StoreFormat, StoreCorrupt, StoreIo, InvalidArgument, StartFailed
 */
export async function createSystem<const TActors extends ActorDefinitions>(
  options: SystemOptions<TActors> & Supplies,
): Promise<HeddleSystem<TActors>>;
export async function createSystem<const TActors extends StaffedDefinitions>(
  options: StaffedOptions<TActors>,
): Promise<HeddleSystem<Hosted<TActors>>>;
export async function createSystem(
  options: StaffedOptions<StaffedDefinitions>,
): Promise<HeddleSystem<ActorDefinitions>> {
  const given = actorsIn(options);
  const { router, sources, ...others } = options;
  if (router !== undefined) checkRouter(router, given);
  const agents = agentsIn(given);
  for (const [name, logic] of Object.entries(given)) assertStaffed(name, logic, agents);
  const { clock } = others;
  const staff = new Staff(agents, { router, sources, now: clock && (() => clock.now()) });
  let begin: (host: ClaimsHost) => void;
  const opened = new Promise<ClaimsHost>((resolve) => (begin = resolve));
  const actors = hosted(
    given,
    staff,
    rosterIn(() => opened),
  );
  const system = await openSystem({ ...others, actors });
  begin!(system as never);
  const { authority, orders } = system;
  const content = new Content(system as never);
  const belongings = new Belongings(actors, (address) => system.get(address) as never);
  const own = ownHand(system, options) as System<ActorDefinitions>;
  const kept = new Content(own as never);
  /** Whoever is there already, or a new one; nobody else tells them anything. */
  const join = async (name: string, id: string, input: unknown): Promise<unknown> => {
    const ref = (await own.startReserved(name, { id, input, onConflict: 'join' })) as AnyActorRef;
    const send = (event: AnyEventObject) => own.sendReserved(ref, event);
    return { getSnapshot: () => ref.getSnapshot() as unknown, send };
  };
  staff.beginIn({
    ...{ authority, orders, belongingOf: (run) => belongings.of(run) },
    get: (address) => system.get(address) as ReturnType<Workplace['get']>,
    tellTask: (task, event) => system.sendReserved(task, event),
    actor: (name, id) => system.actor(name, id),
    content: kept,
    lateReplies: (id, input) => join(LATE, id, input) as never,
    keptAnswer: (id, input) => join(ANSWERS, id, input) as never,
  });
  const runs = new Runs(system as never, actors);
  const reviews = reviewsOf(system, actors, agents, kept);
  return Object.assign(system, {
    reviews,
    as: viewsWith(system, reviews),
    halts: new Halts(system),
    runs,
    content,
    lineage: (hash: string, which?: LineageOptions) => lineageIn({ runs, content }, hash, which),
  });
}

/** Views of a system with the reviews in the hands of whoever holds them. */
function viewsWith(system: System<ActorDefinitions>, reviews: Reviews) {
  const viewsOf = (host: Pick<System<ActorDefinitions>, 'as'>) => {
    const look = host.as.bind(host);
    return (principal: Principal): HeddleView<ActorDefinitions> => {
      // What is asked for must be the one who was looked at.
      const own = ownCopyOf(principal);
      const view = look(own);
      return Object.assign(view, { as: viewsOf(view), reviews: new OwnReviews(reviews, own) });
    };
  };
  return viewsOf(system);
}

/** A copy that stays as it is; what makes no sense is refused by whoever takes it. */
function ownCopyOf(principal: Principal): Principal {
  if (typeof principal !== 'object' || principal === null) return principal;
  const { properties } = principal;
  const isObject = typeof properties === 'object' && properties !== null && !Array.isArray(properties);
  return Object.freeze({ ...principal, ...(isObject && { properties: Object.freeze({ ...properties }) }) });
}

/** What agents find is kept by the program, whoever they work for: they need no grants for it. */
function ownHand(
  system: System<ActorDefinitions>,
  { decider, principal = DEFAULT_PRINCIPAL }: StaffedOptions<StaffedDefinitions>,
) {
  return decider === undefined ? system : system.as(principal);
}

function reviewsOf(
  system: System<ActorDefinitions>,
  actors: ActorDefinitions,
  agents: ReadonlyMap<string, Agent>,
  content: Content,
): Reviews {
  const { authority } = system;
  return new Reviews(system as never, {
    decide: (request, given) => authority.permit(request, given),
    list: (request) => authority.list(request),
    check: checkBySchema(actors, agents),
    obligations: REVIEW_OBLIGATIONS,
    async keep(review, versions) {
      const above = review.slice(0, review.lastIndexOf('/'));
      // What people supply in the review of a task is kept as their answer.
      if (isRun(system.get(above)?.getSnapshot() as never)) await versionsKept(review, versions, content);
    },
    initiatorOf: (run) => startersOf(system, run),
    viewOf({ address, snapshot }) {
      const declaration = declarationAt((name) => declarationOf(actors[name]), address);
      const stood = snapshot as Stood;
      if (declaration === undefined || !isRun(stood)) return undefined;
      const stateOf = (one: string) => system.get(one)?.getSnapshot() as never;
      return runViewOf(declaration, address, stood.context, stateOf);
    },
  });
}

/** Gates name the schema of what they propose by its hash, and so do people who are agents. */
function checkBySchema(
  actors: ActorDefinitions,
  agents: ReadonlyMap<string, Agent>,
): NonNullable<ReviewsOptions['check']> {
  const promised = [...agents.values()].map(({ contract }) => contract.output);
  const schemas = new Map(
    [...Object.values(actors).flatMap((logic) => schemasOfGates(logic)), ...promised].map((schema) => [
      schema.hash,
      schema,
    ]),
  );
  return (content, hash) => {
    const schema = schemas.get(hash);
    if (schema === undefined) {
      const detail = 'must keep a schema that nobody has any more';
      return [{ pointer: '#', keyword: 'schema', schemaPath: '#', detail }];
    }
    const checking = schema.check(content);
    return checking.ok ? [] : checking.problems;
  };
}

function actorsIn(options: Partial<StaffedOptions<StaffedDefinitions>> | undefined): StaffedDefinitions {
  if (typeof options !== 'object' || options === null)
    throw new InvalidArgument('createSystem', 'needs its options: { store, actors }');
  const { actors } = options;
  if (typeof actors !== 'object' || actors === null)
    throw new InvalidArgument('actors', 'must be an object of logic by name');
  return actors;
}

function checkRouter(router: unknown, actors: StaffedDefinitions): void {
  if (!isRouter(router)) throw new InvalidArgument('router', 'must be made with router()');
  const taken = RECORD_KINDS.find((kind) => Object.hasOwn(actors, kind));
  if (taken !== undefined)
    throw new InvalidArgument(`actors.${taken}`, 'is a name that the router uses: choose another');
}

function agentsIn(actors: StaffedDefinitions): ReadonlyMap<string, Agent> {
  const agents = new Map<string, Agent>();
  for (const [name, definition] of Object.entries(actors)) {
    if (!isAgent(definition)) continue;
    if (definition.name !== name)
      throw new InvalidArgument(
        `actors.${name}`,
        `is the agent '${definition.name}': its name in records and its name here must be the same`,
      );
    agents.set(name, definition);
  }
  return agents;
}

/** A task that nobody could do would only be noticed in the middle of a run. */
function assertStaffed(name: string, logic: unknown, agents: ReadonlyMap<string, Agent>): void {
  const can = (request: string): boolean =>
    [...agents.values()].some(({ capabilities }) => satisfying(capabilities, request).length > 0);
  for (const { place, doer } of doersIn(logic)) {
    const stranger = doer.agents.find((agent) => !agents.has(agent));
    if (stranger !== undefined)
      throw new InvalidArgument(
        `actors.${name}`,
        `asks the agent '${stranger}' at ${place}, which is not among the actors`,
      );
    if (doer.agents.length === 0 && doer.capability !== undefined && !can(doer.capability))
      throw new InvalidArgument(
        `actors.${name}`,
        `asks for '${doer.capability}' at ${place}, which no agent among the actors can do`,
      );
  }
}

/** Everything as the runtime can host it. @internal */
export function hosted(
  actors: StaffedDefinitions,
  staff: Staff,
  absences: RosterMachine = roster,
): ActorDefinitions {
  const all = Object.entries(actors).map(([name, definition]) => {
    const logic = isAgent(definition) ? aloneWith(definition) : definition;
    const machine = staffed(logic, staff);
    if (machine === undefined) return [name, reservedIfAccount(logic)];
    const checks = { admits: inputCheckOf(machine), ...eventChecksOf(machine) };
    return [name, durable(machine, { ...specOf(logic), ...checks })];
  });
  // Hosted also where nobody asks for them any more: they may be there from before.
  const records = Object.values(actors).some(isAgent)
    ? { quality: reservedRecord(trackRecord), shadow: staff.shadow }
    : {};
  const everything = { ...records, ...(Object.fromEntries(all) as ActorDefinitions) };
  return { ...everything, ...ownActors(everything, actors, absences) };
}

/** What a system has for its workflows, and for people who decide. */
function ownActors(
  everything: ActorDefinitions,
  given: StaffedDefinitions,
  absences: RosterMachine,
): ActorDefinitions {
  const logics = Object.values(everything);
  // Where nobody works nothing is found.
  const works = logics.some((logic) => declarationOf(logic) !== undefined);
  if (works) {
    assertFree(given, CONTENT, 'a system with workflows has for what is found and made in them');
    assertFree(given, ANSWERS, 'a system with workflows has for what may be answered again');
    assertFree(given, LATE, 'a system with workflows has for what is answered too late');
  }
  const decides = works || logics.some(hasReviews);
  if (decides) assertFree(given, ABSENCES, 'a system with reviews has for who is away');
  return {
    ...(works && { [CONTENT]: contentLogic, [ANSWERS]: answersLogic, [LATE]: lateLogic }),
    ...(decides && { [ABSENCES]: absences }),
  };
}

function assertFree(given: StaffedDefinitions, name: string, what: string): void {
  if (Object.hasOwn(given, name)) throw new InvalidArgument(`actors.${name}`, `is a name that ${what}`);
}

/** An agent that is started by itself is a workflow of one task. */
function aloneWith({ name, inputSchema, outputSchema }: Agent): WorkflowMachine {
  return workflow({ id: name, inputSchema, outputSchema, tasks: { work: task({ agent: name }) } }) as never;
}
