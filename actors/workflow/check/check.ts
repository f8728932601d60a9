/**
 * Collects what is wrong with a workflow, each with its place: what is the same wherever a schema, a function, a number, a time or a word
 * stands.
 */
import type { AnyActorLogic } from 'xstate';
import { InvalidArgument, millisOf } from '../../../runtime/index.ts';
import type { ContractProblem } from '../../errors.ts';
import { checkedSchemaOf } from '../../schema/checked.ts';
import type { SchemaLike } from '../../schema/inferred.ts';
import type { DeclarationOf } from '../graph.ts';
import { inPointer, isText, listed } from './given.ts';
import type { Options } from './given.ts';

/** Whoever means for ever leaves it out. */
const LONGEST_MS = 100 * 365.25 * 24 * 60 * 60_000;

export class Check {
  readonly problems: ContractProblem[] = [];
  readonly #declarationOf: DeclarationOf;

  constructor(declarationOf: DeclarationOf) {
    this.#declarationOf = declarationOf;
  }

  isWorkflow(logic: object): boolean {
    return this.#declarationOf(logic as AnyActorLogic) !== undefined;
  }

  fail(pointer: string, detail: string): void {
    this.problems.push({ pointer, detail });
  }

  fields(place: string, given: Options, known: readonly string[]): void {
    for (const name of Object.keys(given))
      if (!known.includes(name))
        this.fail(`${place}/${inPointer(name)}`, `means nothing; there are ${listed(known)}`);
  }

  schema(place: string, given: unknown): void {
    if (given === undefined) return;
    const reading = checkedSchemaOf(given as SchemaLike);
    if (!reading.ok)
      for (const { pointer, detail } of reading.problems) this.fail(`${place}${pointer.slice(1)}`, detail);
  }

  function(place: string, given: unknown): void {
    if (given !== undefined && typeof given !== 'function') this.fail(place, 'must be a function');
  }

  whole(place: string, given: unknown, least: number): void {
    if (given === undefined) return;
    if (given === Infinity) this.fail(place, 'must have an end');
    else if (!Number.isSafeInteger(given) || (given as number) < least)
      this.fail(place, `must be a whole number from ${least} on`);
  }

  /** @returns it in ms, if it is given, and is one */
  duration(place: string, given: unknown): number | undefined {
    if (given === undefined) return undefined;
    try {
      const ms = millisOf(given as never, 'it');
      if (ms < 1) this.fail(place, 'must be at least a millisecond');
      if (ms === Infinity) this.fail(place, 'must have an end');
      else if (ms > LONGEST_MS) this.fail(place, 'must be at most 100 years');
      return ms;
    } catch (error) {
      if (!(error instanceof InvalidArgument)) throw error;
      this.fail(place, error.message.slice(3));
      return undefined;
    }
  }

  oneOf(place: string, given: unknown, known: readonly unknown[]): void {
    if (given !== undefined && !known.includes(given)) this.fail(place, `must be one of ${known.join(', ')}`);
  }

  name(place: string, given: unknown): void {
    if (given !== undefined && !isText(given)) this.fail(place, 'must be a text that is not empty');
  }
}
