/** Features: what a played script has shown. Scripts in which nothing happens prove nothing, so somebody has to count. */
import { childPath, supervisorOf, TEMPLATE, TOP } from './scripts.ts';
import type { Child, Log, Operation, Script, Tree } from './scripts.ts';

/** Everything that has to have happened. */
export const FEATURES = [
  'one_for_one restart',
  'one_for_all restart',
  'rest_for_one restart',
  'simple_one_for_one restart',
  'permanent restart',
  'transient restart',
  'transient not restarted',
  'temporary not restarted',
  'gave up',
  'escalation',
  'escalation through two levels',
  'automatic shutdown by any',
  'automatic shutdown by all',
  'automatic shutdown of the top',
  'failing start',
  'failing start from the beginning',
  'failing start in the restart of another',
  'failing start of a supervisor',
  'failure during a restart',
  'failures of several during a restart',
  'significant end while another is restarted',
  'request during a restart',
  'supervisor stopped during a restart',
  'orderly stop',
  'answer ok',
  'answer failed',
  'answer running',
  'answer restarting',
  'answer not_found',
  'answer already_present',
  'answer already_started',
  'answer simple_one_for_one',
  'answer noproc',
  'which',
] as const;

export type Feature = (typeof FEATURES)[number];

/** What a script has shown, by its log. */
export function featuresOf(script: Script, log: Log): ReadonlySet<Feature> {
  const seen = new Set<Feature>();
  const trees = treesOf(script.tree, TOP);
  const children = childrenOf(script.tree, TOP);
  log.forEach((entries, index) => {
    const happened = new Happened(script.operations[index]!, entries);
    for (const feature of [
      ...answers(entries),
      ...restarts(happened, trees, children),
      ...ends(happened, trees, children),
      ...failingStarts(happened, trees),
      ...interruptions(happened, trees, children),
    ])
      seen.add(feature);
  });
  return seen;
}

/** What one operation has led to, by the first word. */
class Happened {
  readonly operation: Operation;
  readonly entries: readonly string[];
  readonly started: readonly string[];
  readonly failed: readonly string[];
  readonly stopped: readonly string[];
  readonly gaveUp: readonly string[];
  readonly exited: readonly { readonly path: string; readonly reason: string }[];

  constructor(operation: Operation, entries: readonly string[]) {
    this.operation = operation;
    this.entries = entries;
    const paths = (what: string) =>
      entries
        .map((entry) => entry.split(' '))
        .filter(([word]) => word === what)
        .map(([, path]) => path!);
    this.started = paths('start');
    this.failed = paths('start-failed');
    this.stopped = paths('stop');
    this.gaveUp = paths('gave-up');
    this.exited = entries
      .map((entry) => entry.split(' '))
      .filter(([word]) => word === 'exit')
      .map(([, path, reason]) => ({ path: path!, reason: reason! }));
  }
}

function answers(entries: readonly string[]): Feature[] {
  return entries
    .map((entry) => (entry.startsWith('which') ? 'which' : entry) as Feature)
    .filter((entry) => FEATURES.includes(entry));
}

function restarts(
  { exited, started }: Happened,
  trees: ReadonlyMap<string, Tree>,
  children: ReadonlyMap<string, Child>,
): Feature[] {
  const [first] = exited;
  if (first === undefined) return [];
  const at = supervisorOf(first.path);
  const { strategy } = trees.get(at)!;
  const { restart } = children.get(first.path) ?? children.get(childPath(at, TEMPLATE)) ?? {};
  const isRestarted = started.includes(first.path);
  if (isRestarted && restart !== 'temporary')
    return [`${strategy} restart`, ...(restart === undefined ? [] : [`${restart} restart` as const])];
  if (restart === 'temporary' || restart === 'transient') return [`${restart} not restarted`];
  return [];
}

function ends(
  { operation, gaveUp, exited, stopped }: Happened,
  trees: ReadonlyMap<string, Tree>,
  children: ReadonlyMap<string, Child>,
): Feature[] {
  const features: Feature[] = [];
  if (operation.do === 'halt' && stopped.length > 2) features.push('orderly stop');
  if (gaveUp.length === 0) return features;
  features.push('gave up');
  if (gaveUp.some((path) => path !== TOP)) features.push('escalation');
  if (gaveUp.some((path) => path.includes('/') && gaveUp.includes(supervisorOf(path))))
    features.push('escalation through two levels');
  const [only, ...others] = exited;
  if (only === undefined || others.length > 0) return features;
  const at = supervisorOf(only.path);
  const { significant, restart } = children.get(only.path) ?? {};
  const hasEnded = restart === 'temporary' || only.reason !== 'crash';
  if (gaveUp[0] !== at || significant !== true || !hasEnded) return features;
  const { autoShutdown } = trees.get(at)!;
  if (autoShutdown === 'any_significant') features.push('automatic shutdown by any');
  if (autoShutdown === 'all_significant') features.push('automatic shutdown by all');
  if (at === TOP) features.push('automatic shutdown of the top');
  return features;
}

function failingStarts(
  { operation, failed, exited, gaveUp }: Happened,
  trees: ReadonlyMap<string, Tree>,
): Feature[] {
  if (failed.length === 0) return [];
  const features: Feature[] = ['failing start'];
  if (operation.do === 'up') features.push('failing start from the beginning');
  if (failed.some((path) => path !== TOP && trees.has(path))) features.push('failing start of a supervisor');
  const [only, ...others] = exited;
  const isOther = only !== undefined && others.length === 0 && !failed.includes(only.path);
  // Not the one of a supervisor that is started again by the one above.
  if (isOther && gaveUp.length === 0) features.push('failing start in the restart of another');
  return features;
}

function interruptions(
  { operation, exited, entries, stopped, failed }: Happened,
  trees: ReadonlyMap<string, Tree>,
  children: ReadonlyMap<string, Child>,
): Feature[] {
  if (operation.do !== 'exit') return [];
  const features: Feature[] = [];
  if (exited.length > 1) features.push('failure during a restart');
  if (exited.length > 2) features.push('failures of several during a restart');
  const isWaited = trees.get(supervisorOf(operation.path))!.autoShutdown === 'all_significant';
  const [first, second] = exited.map(({ path }) => children.get(path)?.significant === true);
  if (isWaited && first === true && second === true && failed.includes(operation.path))
    features.push('significant end while another is restarted');
  if (!entries.some((entry) => entry.startsWith('answer'))) return features;
  features.push('request during a restart');
  const at = supervisorOf(operation.path);
  if (at !== TOP && stopped.includes(at)) features.push('supervisor stopped during a restart');
  return features;
}

// ---- the tree by path -----------------------------------------------------------------------------------------------

function treesOf(tree: Tree, path: string): ReadonlyMap<string, Tree> {
  const inside = tree.children.flatMap(({ id, supervisor }) =>
    supervisor === undefined ? [] : [...treesOf(supervisor, childPath(path, id))],
  );
  return new Map([[path, tree], ...inside]);
}

/** Those that were declared; the rules of others are not looked at. */
function childrenOf(tree: Tree, path: string): ReadonlyMap<string, Child> {
  return new Map(
    tree.children.flatMap((child): [string, Child][] => {
      const at = childPath(path, child.id);
      return [[at, child], ...(child.supervisor === undefined ? [] : childrenOf(child.supervisor, at))];
    }),
  );
}

/** The supervisors of a script. */
export function supervisorsIn({ tree }: Script): ReadonlySet<string> {
  return new Set(treesOf(tree, TOP).keys());
}

/** Whether one of its supervisors has this strategy. */
export function isWith(strategy: Tree['strategy'], { tree }: Script): boolean {
  return [...treesOf(tree, TOP).values()].some((one) => one.strategy === strategy);
}

/**
 * Whether a child of a simple_one_for_one supervisor is to be terminated while the supervisor is busy. Asked by pid, OTP may
 * mean one that is gone by then; our requests name whoever has the id when it is their turn.
 */
export function namesChildOfBusyPool({ tree, operations }: Script): boolean {
  const trees = treesOf(tree, TOP);
  return operations.some(
    (operation) =>
      operation.do === 'during' &&
      operation.also.do === 'terminate' &&
      trees.get(operation.also.at)?.strategy === 'simple_one_for_one',
  );
}
