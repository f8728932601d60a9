/**
 * Where people are asked: at a gate, and in the reviews of a task. Who they are, and how long they have.
 */
import { problemOfPointer } from '../../../machines/values/json-pointer.ts';
import { checkTimes } from '../gate-times.ts';
import type { Check } from './check.ts';
import { isNames, isRecord, isText, listed } from './given.ts';
import type { Node, Options } from './given.ts';

/** Those that say how long people have. */
export const OF_TIMES = ['within', 'escalateTo', 'escalatedWithin', 'remind', 'onExpire', 'calendar'];

export function checkGate(check: Check, place: string, options: Options): void {
  const { role, quorum, editable, title } = options;
  if (!isText(role) && !(isNames(role) && role.length > 0))
    check.fail(`${place}/role`, 'must be a role, or a list of roles: who may decide');
  check.name(`${place}/title`, title);
  check.whole(`${place}/quorum`, quorum, 1);
  checkPatience(check, place, options);
  check.oneOf(`${place}/ownRuns`, options['ownRuns'], ['refuse', 'allow']);
  check.oneOf(`${place}/ownEdits`, options['ownEdits'], ['count', 'need-another']);
  check.duration(`${place}/dwell`, options['dwell']);
  check.oneOf(`${place}/probe`, options['probe'], [true, false]);
  const { fourEyes = [] } = options;
  if (typeof fourEyes !== 'function' && !isNames(fourEyes))
    check.fail(`${place}/fourEyes`, 'must be a list of the ids of people, or a function that gives one');
  check.schema(`${place}/schema`, options['schema']);
  check.function(`${place}/about`, options['about']);
  if (editable === undefined || typeof editable === 'boolean') return;
  if (!Array.isArray(editable))
    return check.fail(`${place}/editable`, 'must be true, false, or a list of JSON pointers');
  for (const [index, pointer] of editable.entries()) {
    const wrong = problemOfPointer(pointer);
    if (wrong !== undefined) check.fail(`${place}/editable/${index}`, wrong);
  }
}

/** How long people have, and what happens meanwhile. */
function checkPatience(check: Check, place: string, options: Options): void {
  check.duration(`${place}/within`, options['within']);
  check.duration(`${place}/escalatedWithin`, options['escalatedWithin']);
  check.name(`${place}/escalateTo`, options['escalateTo']);
  const { remind = [] } = options;
  if (!Array.isArray(remind)) check.fail(`${place}/remind`, 'must be a list of durations');
  else for (const [index, after] of remind.entries()) check.duration(`${place}/remind/${index}`, after);
  checkTimes(check.fail.bind(check), place, options);
  check.oneOf(`${place}/onExpire`, options['onExpire'], ['refuse', 'stay']);
}

export function checkReviewOf(check: Check, place: string, review: unknown): void {
  if (review === undefined) return;
  if (!isRecord(review)) return check.fail(place, `must be an object with ${listed(OF_TIMES)}`);
  check.fields(place, review, OF_TIMES);
  checkPatience(check, place, review);
}

/** Where a node says how long people have: itself, where it is a gate; of a task, for its reviews. */
export function timesIn({ kind, options, place }: Node): readonly Pick<Node, 'options' | 'place'>[] {
  if (kind === 'gate') return [{ options, place }];
  if (kind === 'task')
    return isRecord(options['review']) ? [{ options: options['review'], place: `${place}/review` }] : [];
  const within = kind === 'map' ? 'each' : 'body';
  const body = options[within];
  return isRecord(body) && body['kind'] === 'task' && isRecord(body['options'])
    ? timesIn({ kind: 'task', options: body['options'], place: `${place}/${within}` })
    : [];
}
