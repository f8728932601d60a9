/**
 * A task as it was written: who does it, what it may cost, what is done where it fails, and what its answers are held against.
 */
import { strategy } from '../../../machines/faults/strategy.ts';
import { OptionError } from '../../../machines/options.ts';
import { problemOfAmount } from '../../../machines/values/money.ts';
import { problemOfCapability } from '../../agents/capability.ts';
import { isRouter } from '../../routing/rules.ts';
import { schemaOf } from '../../schema/checked.ts';
import type { SchemaLike } from '../../schema/inferred.ts';
import { isVerifier } from '../../verifiers/verifier.ts';
import type { Others } from '../../verifiers/verifier.ts';
import { chunk } from '../../windows/chunking.ts';
import type { Chunking } from '../../windows/chunking.ts';
import { schemaAt } from '../schema-at.ts';
import type { Check } from './check.ts';
import { isNames, isRecord, isShare, isText, listed, pointerOfPath } from './given.ts';
import type { Node, Options } from './given.ts';
import { checkContext } from './input.ts';
import { neededIn } from './needs.ts';
import { checkReviewOf } from './people.ts';

export function checkTask(
  check: Check,
  place: string,
  options: Options,
  nodes: ReadonlyMap<string, Node>,
): void {
  checkDoer(check, place, options);
  check.schema(`${place}/inputSchema`, options['inputSchema']);
  check.schema(`${place}/outputSchema`, options['outputSchema']);
  check.duration(`${place}/timeout`, options['timeout']);
  check.duration(`${place}/deadline`, options['deadline']);
  const { quality, maxCost, fallback, retry, compensate, context, verify } = options;
  if (quality !== undefined && !isShare(quality))
    check.fail(`${place}/quality`, 'must be a number from 0 to 1');
  const wrongCost = maxCost === undefined ? undefined : problemOfAmount(maxCost);
  if (wrongCost !== undefined) check.fail(`${place}/maxCost`, wrongCost);
  if (fallback !== undefined && !isNames(fallback))
    check.fail(`${place}/fallback`, 'must be a list of names of agents');
  checkVerifiers(check, `${place}/verify`, verify, options);
  check.name(`${place}/reviewers`, options['reviewers']);
  checkReviewOf(check, `${place}/review`, options['review']);
  checkLabels(check, `${place}/labels`, options['labels']);
  check.function(`${place}/about`, options['about']);
  if (options['router'] !== undefined && !isRouter(options['router']))
    check.fail(`${place}/router`, 'must be made with router()');
  checkStrategy(check, `${place}/strategy`, options['strategy']);
  checkChunk(check, `${place}/chunk`, options['chunk']);
  checkRetry(check, `${place}/retry`, retry);
  checkContext(check, `${place}/context`, context, neededIn(options), nodes);
  if (compensate === undefined) return;
  if (!isRecord(compensate))
    return check.fail(`${place}/compensate`, 'must be { capability or agent, input }');
  check.fields(`${place}/compensate`, compensate, ['capability', 'agent', 'input']);
  checkDoer(check, `${place}/compensate`, compensate);
  check.function(`${place}/compensate/input`, compensate['input']);
}

function checkDoer(check: Check, place: string, { capability, agent }: Options): void {
  if (capability === undefined && agent === undefined)
    return check.fail(place, 'says neither a capability nor an agent: nobody could do it');
  const wrong = capability === undefined ? undefined : problemOfCapability(capability);
  if (wrong !== undefined) check.fail(`${place}/capability`, wrong);
  if (agent !== undefined && !isText(agent) && !(isNames(agent) && agent.length > 0))
    check.fail(`${place}/agent`, 'must be the name of an agent, or a list of at least one');
}

function checkVerifiers(check: Check, place: string, verify: unknown, options: Options): void {
  if (verify === undefined) return;
  if (!Array.isArray(verify)) return check.fail(place, 'must be a list of verifiers');
  for (const [index, verifier] of verify.entries()) {
    const at = `${place}/${index}`;
    if (!isVerifier(verifier)) check.fail(at, 'must be a verifier: an object with name, version and check');
    else if (verifier.others !== undefined) checkOthers(check, at, verifier.others, options);
  }
}

/** Whether there can be so many answers, with something in them to compare. */
function checkOthers(check: Check, place: string, { of, on }: Others, options: Options): void {
  const { agent, fallback } = options;
  const named = [agent, fallback].flatMap((names) => (isText(names) || isNames(names) ? names : []));
  const count = new Set(named).size;
  if (agent !== undefined && count < of)
    check.fail(
      `${place}/of`,
      `asks for the answers of ${of} agents, and ${count} can be asked: ${listed(named)}`,
    );
  const schema = schemaOf(options['outputSchema'] as SchemaLike | undefined)?.jsonSchema;
  if (schema === undefined) return;
  for (const [index, pattern] of on.entries()) {
    // What stands behind a * may be anything.
    const [known] = pattern.slice(1).split('/*', 1);
    if (schemaAt(schema, pointerIn(known!)) === 'nothing')
      check.fail(`${place}/on/${index}`, `compares ${pattern}, where the output schema has nothing`);
  }
}

/** A JSON pointer, of one that is a URI fragment. */
const pointerIn = (fragment: string): string =>
  fragment
    .split('/')
    .map((key) => decodeURIComponent(key).replaceAll('/', '~1'))
    .join('/');

function checkRetry(check: Check, place: string, retry: unknown): void {
  if (retry === undefined) return;
  if (!isRecord(retry)) return check.fail(place, 'must be { times, first, atMost }');
  check.fields(place, retry, ['times', 'first', 'atMost']);
  if (retry['times'] === undefined) check.fail(`${place}/times`, 'is missing');
  check.whole(`${place}/times`, retry['times'], 1);
  const firstMs = check.duration(`${place}/first`, retry['first']) ?? 0;
  const atMostMs = check.duration(`${place}/atMost`, retry['atMost']) ?? Infinity;
  if (atMostMs < firstMs) check.fail(`${place}/atMost`, 'is shorter than the first delay');
}

export function checkStrategy(check: Check, place: string, given: unknown): void {
  if (given === undefined) return;
  if (!isRecord(given) || !isRecord(given['rows']))
    return check.fail(place, 'must be a strategy: one of strategies, or made with strategy(…) or extend(…)');
  try {
    strategy(given as never);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    check.fail(`${place}${pointerOfPath(error.option)}`, error.message);
  }
}

function checkChunk(check: Check, place: string, chunking: unknown): void {
  if (chunking === undefined) return;
  try {
    chunk(chunking as Chunking);
  } catch (error) {
    check.fail(place, `must be made with chunk(…): ${(error as Error).message}`);
  }
}

export function checkLabels(check: Check, place: string, labels: unknown): void {
  if (labels !== undefined && !isNames(labels)) check.fail(place, 'must be a list of texts');
}
