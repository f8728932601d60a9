/**
 * Functions of workflows are asked in the middle of a step. One that does more there than to give a value, or gives one that could not be
 * stored, throws: so it becomes a problem of its node.
 */
import { pointerTo } from '../../machines/values/json-pointer.ts';
import type { ValueProblem } from '../../machines/faults/fault.ts';
import { askedValue, NotSerialisable } from '../../runtime/index.ts';

/** It cannot be stored. What it says becomes the problem of a node. */
export class NotKept extends TypeError {
  override readonly name = 'NotSerialisable';
  readonly problems: readonly ValueProblem[];

  constructor({ path, keys, message }: NotSerialisable) {
    const pointer = `#${pointerTo(keys.map((key) => key.toWellFormed()))}`;
    const detail = message.slice(path.length + 1);
    super(`${pointer} ${detail}`);
    this.problems = [{ pointer, keyword: 'storable', schemaPath: '#', detail }];
  }
}

/** What `give` gives. @throws what it throws, and what is wrong with it or with its value */
export function ask<T>(give: () => T): T {
  try {
    return askedValue(give);
  } catch (error) {
    throw error instanceof NotSerialisable ? new NotKept(error) : error;
  }
}
