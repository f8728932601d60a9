/**
 * The tree as the system shows it: found in, waited for, and drawn.
 */
import type { ActorNode, LiveTree, SupervisorNode, SystemTree } from 'heddle';
import type { Screen } from '../stage/screen.ts';

type Node = SupervisorNode | ActorNode;

/** All supervisors and actors, those above before those below. */
function allNodes({ supervisors, actors }: SystemTree): readonly Node[] {
  const below = (node: Node): readonly Node[] => [node, ...node.children.flatMap(below)];
  return [...supervisors, ...actors].flatMap(below);
}

export function nodeAt(tree: SystemTree, address: string): Node | undefined {
  return allNodes(tree).find((node) => node.address === address);
}

/** Whether everybody runs. */
export function isWell(tree: SystemTree): boolean {
  return allNodes(tree).every((node) =>
    node.kind === 'supervisor'
      ? node.phase === 'running'
      : node.standing === 'up' && (node.phase ?? 'running') === 'running',
  );
}

/** Waits until the tree looks like that. */
export function until(live: LiveTree, fits: (tree: SystemTree) => boolean): Promise<SystemTree> {
  return new Promise((resolve) => {
    const look = (tree: SystemTree): void => {
      if (!fits(tree)) return;
      subscription.unsubscribe();
      resolve(tree);
    };
    const subscription = live.subscribe(({ context }) => look(context));
    look(live.get().context);
  });
}

// ---- drawing ------------------------------------------------------------------------------------------------------

const COLUMN = 24;

/** @param detailOf what else there is to say about an actor */
export function draw(
  screen: Screen,
  { supervisors }: SystemTree,
  detailOf: (address: string) => string = () => '',
): void {
  const line = (node: Node, first: string, others: string): void => {
    const name = node.kind === 'supervisor' ? node.id : node.address;
    const { mark, words } = look(screen, node);
    screen.print(
      `  ${mark} ${(first + name).padEnd(COLUMN)}${[...words, detailOf(node.address)].filter(Boolean).join(', ')}`,
    );
    const children = node.children.toSorted(byNumber);
    for (const [index, child] of children.entries()) {
      const isLast = index === children.length - 1;
      line(child, `${others}${isLast ? '└─ ' : '├─ '}`, `${others}${isLast ? '   ' : '│  '}`);
    }
  };
  for (const one of supervisors) line(one, '', '');
}

/** The children of a dynamic supervisor come in no order: those it is busy with first. */
function byNumber(a: Node, b: Node): number {
  return a.address.startsWith('order/') ? Number(a.id) - Number(b.id) : 0;
}

function look(screen: Screen, node: Node): { readonly mark: string; readonly words: readonly string[] } {
  const restarts = node.restarts === 0 ? [] : [`restarted ${node.restarts}×`];
  if (node.kind === 'supervisor') {
    const { strategy, phase } = node;
    const isUp = phase === 'running';
    // A supervisor counts the restarts it has made, not its own.
    return {
      mark: isUp ? screen.paint('green', '●') : screen.paint('yellow', '◌'),
      words: [strategy, ...(isUp ? [] : [screen.paint('yellow', phase)])],
    };
  }
  const { standing, phase } = node;
  switch (standing) {
    case 'up':
      return phase === undefined || phase === 'running'
        ? { mark: screen.paint('green', '●'), words: ['up', ...restarts] }
        : { mark: screen.paint('yellow', '◌'), words: [screen.paint('yellow', phase), ...restarts] };
    case 'crashed':
      return {
        mark: screen.paint('red', '✖'),
        words: [screen.paint('red', 'crashed'), ...(phase === undefined ? [] : [phase]), ...restarts],
      };
    default:
      return { mark: screen.paint('dim', '○'), words: [screen.paint('dim', standing), ...restarts] };
  }
}
