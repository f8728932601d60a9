/**
 * What is different between two states, or two contents: a line for each place, with what was there before and what is there after.
 */
import type { Json } from '../control/tagged.ts';
import { inert } from './inert.ts';
import type { Session } from './session.ts';
import { shown } from './shown.ts';
import type { Column } from './table.ts';

interface ChangeRow {
  readonly path: string;
  readonly before: Json;
  readonly after: Json;
}

const changeColumns: readonly Column<ChangeRow>[] = [
  { head: 'path', of: ({ path }) => inert(path), yields: 2 },
  { head: 'before', of: ({ before }) => shown(before), paint: () => 'red', yields: 1 },
  { head: 'after', of: ({ after }) => shown(after), paint: () => 'green', yields: 1 },
];

export const tellChanges = (session: Session, changes: AsyncIterable<ChangeRow>) =>
  session.list(changes, changeColumns, { none: 'no difference' });
