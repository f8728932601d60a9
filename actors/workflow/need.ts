/**
 * Needs, as they are written: `research`, `size.small`, `{ node: 'research', onError: 'absent' }`.
 */
import type { EdgePolicy, Need } from '../../machines/workflow/graph.ts';
import type { NeedOption, OnEdgeError } from './declaration.ts';

export function needOf(option: NeedOption<string>): Need {
  if (typeof option === 'string') return { ...placeOf(option), onError: undefined };
  return { ...placeOf(option.node), onError: edgePolicyOf(option.onError) };
}

function placeOf(text: string): Pick<Need, 'node' | 'arm'> {
  const dot = text.indexOf('.');
  return dot === -1 ? { node: text, arm: undefined } : { node: text.slice(0, dot), arm: text.slice(dot + 1) };
}

export function edgePolicyOf(option: OnEdgeError): EdgePolicy {
  return typeof option === 'string' ? { kind: option } : { kind: 'value', value: option.value };
}
