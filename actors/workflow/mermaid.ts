/**
 * A workflow as a flowchart for Mermaid: its nodes by their kinds, what needs what, arms and conditions, gates, and what takes back
 * what. Names and labels are the user's: nothing in them can mean anything to Mermaid.
 */
import { needsIn } from './graph.ts';
import { backWords, declared, plan } from './plan.ts';
import type { PlannedNode } from './plan.ts';

/** What stands around the label of a node. */
const SHAPES: Readonly<Record<PlannedNode['kind'], readonly [string, string]>> = {
  task: ['[', ']'],
  gate: ['{{', '}}'],
  map: ['[[', ']]'],
  loop: ['([', '])'],
  call: ['[/', '/]'],
  branch: ['{', '}'],
  join: ['((', '))'],
};

/** @throws InvalidArgument for what is no workflow */
export function mermaid(workflow: object): string {
  const { tasks } = declared(workflow);
  const { nodes } = plan(workflow);
  // Names of nodes may be words of Mermaid: `end`, `subgraph`.
  const ids = new Map(nodes.map(({ name }, index) => [name, `n${index}`]));
  const lines = nodes.flatMap((node) => {
    const id = ids.get(node.name)!;
    const edges = needsIn(tasks[node.name]!).map((need) => {
      const words = [
        need.arm ?? '',
        need.onError === undefined ? '' : `or ${need.onError.kind}`,
        tasks[node.name]!.options.when === undefined ? '' : 'if',
      ].filter((word) => word !== '');
      return `${ids.get(need.node)!} -->${words.length === 0 ? '' : `|${quoted(words.join(', '))}|`} ${id}`;
    });
    const [open, close] = SHAPES[node.kind];
    const undone =
      node.compensation === undefined
        ? []
        : [`${id} -. ${quoted(backWords(node))} .-> ${id}u[${quoted(node.compensation)}]:::undo`];
    return [`${id}${open}${quoted(...labelOf(node))}${close}:::${node.kind}`, ...edges, ...undone];
  });
  return [
    'flowchart TD',
    ...lines.map((line) => `  ${line}`),
    '  classDef gate stroke-width:3px',
    '  classDef undo stroke-dasharray:4 3',
    '',
  ].join('\n');
}

function labelOf({ name, kind, capability, agents, roles, times }: PlannedNode): readonly string[] {
  const who = capability ?? agents.join(', ');
  const below = [
    kind === 'task' ? (who === name ? '' : who) : [kind, who].filter((part) => part !== '').join(': '),
    roles.length > 0 ? `waits for ${roles.join(', ')}` : '',
    times === undefined ? '' : `at most ${times} times`,
  ];
  return [name, ...below.filter((part) => part !== '')];
}

/** Lines in quotes, with every character as an entity that could mean something. */
const quoted = (...lines: readonly string[]): string => `"${lines.map(escaped).join('<br/>')}"`;

const escaped = (text: string): string => {
  const written = text.replace(/[^\p{L}\p{N} .,:_@/-]/gu, (char) => `#${char.codePointAt(0)};`);
  // A list, or a link, in its Markdown.
  return written.replace(/^(\d+\.|-)/, (mark) => `#8203;${mark}`);
};
