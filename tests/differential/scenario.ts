/**
 * A scenario: logic, and what happens to it from outside. It leaves traces of everything that can be compared.
 */
import { currentEffect } from 'heddle';
import type { AnyActorLogic, AnyEventObject } from 'xstate';

export interface Scenario {
  readonly name: string;
  readonly logic: AnyActorLogic;
  readonly input?: unknown;
  /** Virtual milliseconds to wait, then what to send. */
  readonly script: readonly (readonly [waitMs: number, event: AnyEventObject])[];
}

const effects: { readonly text: string; readonly key: string | undefined }[] = [];
const attempts: string[] = [];

/** A side effect of an action. Scenarios write, drivers take. */
export function effect(...what: unknown[]): void {
  effects.push({ text: textOf(what), key: currentEffect()?.idempotencyKey });
}

/** A process does something. It may do it again when the system is opened again. */
export function attempt(...what: unknown[]): void {
  attempts.push(textOf(what));
}

function textOf(what: readonly unknown[]): string {
  return what.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' ');
}

/** The side effects so far. Their order between actors is nobody's promise, so they come sorted. */
export function takeEffects(): string[] {
  return effects
    .splice(0)
    .map(({ text }) => text)
    .sort();
}

/** The same, as a world that knows keys sees them: a repetition under the same key is no second effect. */
export function takeEffectsByKey(): { readonly texts: string[]; readonly repeated: number } {
  const byKey = new Map<string, string>();
  const all = effects.splice(0);
  for (const { text, key } of all) {
    const known = byKey.get(key!);
    if (known !== undefined && known !== text)
      throw new Error(`${key} was used for '${known}' and for '${text}'`);
    byKey.set(key!, text);
  }
  return { texts: [...byKey.values()].sort(), repeated: all.length - byKey.size };
}

export function takeAttempts(): string[] {
  return attempts.splice(0);
}

/** What can be seen of an actor at one time. */
export interface View {
  readonly status: string;
  readonly value: unknown;
  readonly context: unknown;
  readonly output: unknown;
  readonly error: unknown;
  readonly tags: readonly string[];
  readonly children: readonly string[];
  readonly effects: readonly string[];
  readonly emitted: readonly string[];
}

interface AnySnapshotShape {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly tags?: ReadonlySet<string>;
  readonly children?: Readonly<Record<string, unknown>>;
}

export function viewOf(
  snapshot: unknown,
  emitted: readonly string[],
  seen: readonly string[] = takeEffects(),
): View {
  const { status, value, context, output, error, tags, children } = snapshot as AnySnapshotShape;
  return {
    status,
    value,
    context: plainly(context),
    output: plainly(output),
    error: plainly(error),
    tags: [...(tags ?? [])].sort(),
    children: Object.keys(children ?? {})
      .map(withoutNumbers)
      .sort(),
    effects: seen,
    emitted,
  };
}

/** Refs become their ids, errors their text; everything else stays what it is. */
function plainly(value: unknown): unknown {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value !== 'object' || value === null) return value;
  if ('sessionId' in value) return `ref ${withoutNumbers((value as unknown as { id: string }).id)}`;
  if (Array.isArray(value)) return value.map(plainly);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [plainly(key), plainly(item)]));
  if (value instanceof Set) return new Set([...value].map(plainly));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainly(item)]));
}

/** XState counts the actors of the whole process for ids it invents; we count those of one actor. */
function withoutNumbers(id: string): string {
  return id.replace(/^x:\d+$/, 'x:n');
}
