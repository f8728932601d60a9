/**
 * Obligations: what a decider wants done besides, before an agent is asked. It owns which of them orchestration can meet, and what each
 * may say: `gate` (people approve the call first), `limit` (it may cost less), `redact` (it is shown less), `notify` (somebody is
 * told). One that nobody knows, or that makes no sense, is no permission.
 */
import { NotJson } from '../../machines/values/canonical.ts';
import { problemOfPointer } from '../../machines/values/json-pointer.ts';
import { microsOf, problemOfAmount } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import { digestOfGiven, redacted } from '../../machines/task/terms.ts';
import type { CallTerms, ClearanceTerms, Given, Notice, Redaction } from '../../machines/task/terms.ts';
import { InvalidArgument, millisOf } from '../../runtime/index.ts';
import type { Obligation } from '../../runtime/index.ts';
import type { Agent } from '../agents/agent.ts';
import { hashOf } from '../schema/digest.ts';

/** Those that can be met before an agent is asked. */
export const CALL_OBLIGATIONS = ['gate', 'limit', 'notify', 'redact'] as const;

/** A call that is permitted if they are met. */
export interface ObligedCall {
  readonly agent: Agent;
  readonly maxCost: Micros;
  /** What it is estimated to cost; undefined where nobody says. */
  readonly estimate: Micros | undefined;
  readonly given: Given;
}

export interface MetTerms {
  readonly maxCost: Micros;
  readonly terms: CallTerms;
  /** The types of the obligations. */
  readonly met: readonly string[];
}

/** How obligations are met; or why they cannot be. */
export function termsFor(obligations: readonly Obligation[], call: ObligedCall): MetTerms | string {
  try {
    return met(obligations, call);
  } catch (error) {
    if (error instanceof Unmet) return error.message;
    throw error;
  }
}

/** Thrown where one cannot be met. */
class Unmet extends Error {
  constructor(type: string, why: string) {
    super(`the obligation '${type}' cannot be met: ${why}`);
  }
}

function met(
  obligations: readonly Obligation[],
  { agent, maxCost: asked, estimate, given }: ObligedCall,
): MetTerms {
  const all = (type: string): readonly Obligation[] => obligations.filter((one) => one.type === type);
  const maxCost = limited(all('limit'), agent, asked, estimate);
  const redact = redactionOf(all('redact'), agent, given);
  const gates = all('gate').map(readGate);
  const notify = all('notify').map(noticeOf);
  const shown = redact === undefined ? given : redacted(given, redact);
  const about = {
    ...{ agent: agent.name, model: agent.model, contract: agent.contract.hash },
    ...{ maxCost, shown },
  };
  const terms: CallTerms = {
    ...(gates.length > 0 && { gate: clearanceOf(gates, about) }),
    ...(redact !== undefined && { redact }),
    ...(notify.length > 0 && { notify }),
  };
  return { maxCost, terms, met: [...new Set(obligations.map(({ type }) => type))].sort() };
}

/** What it says besides its type. */
function noticeOf(obligation: Obligation): Notice {
  return Object.fromEntries(Object.entries(obligation).filter(([name]) => name !== 'type'));
}

// ---- limit --------------------------------------------------------------------------------------------------------

/** `{ type: 'limit', maxCost: 0.5 }` */
function limited(
  limits: readonly Obligation[],
  agent: Agent,
  asked: Micros,
  estimate: Micros | undefined,
): Micros {
  let least = asked;
  for (const { type, ...fields } of limits) {
    const { maxCost } = known(type, fields, ['maxCost']);
    const problem = problemOfAmount(maxCost);
    if (problem !== undefined) throw new Unmet(type, `maxCost ${problem}`);
    least = Math.min(least, microsOf(maxCost as number)) as Micros;
  }
  if (limits.length > 0 && (estimate ?? 0) > least)
    throw new Unmet('limit', `${agent.name} is estimated to cost more`);
  return least;
}

// ---- redact -------------------------------------------------------------------------------------------------------

/** `{ type: 'redact', places: ['/input/ssn', '/values/patient/name'], mask: '…' }` */
function redactionOf(obligations: readonly Obligation[], agent: Agent, given: Given): Redaction | undefined {
  if (obligations.length === 0) return undefined;
  const places: string[] = [];
  const masks = new Set<string | undefined>();
  for (const { type, ...fields } of obligations) {
    const { places: own, mask } = known(type, fields, ['places', 'mask']);
    if (!Array.isArray(own) || own.length === 0)
      throw new Unmet(type, 'places must be a list of JSON pointers');
    for (const place of own) {
      const problem = problemOfPointer(place) ?? problemOfPlace(place as string);
      if (problem !== undefined) throw new Unmet(type, `a place ${problem}`);
      places.push(place as string);
    }
    if (mask !== undefined && typeof mask !== 'string') throw new Unmet(type, 'mask must be a text');
    masks.add(mask);
  }
  // Nothing at all is less than a mask.
  const mask = masks.size === 1 ? [...masks][0] : undefined;
  const left = redacted(given, { places, mask });
  if (!agent.contract.input.check(left.input).ok)
    throw new Unmet('redact', `without what it must not see the input breaks the contract of ${agent.name}`);
  try {
    return { places, mask, from: digestOfGiven(given), to: digestOfGiven(left) };
  } catch (error) {
    if (error instanceof NotJson) throw new Unmet('redact', `the input is no JSON: ${error.message}`);
    throw error;
  }
}

const problemOfPlace = (place: string): string | undefined =>
  /^\/(input|values)\/./.test(place) ? undefined : "must begin with '/input/' or '/values/'";

// ---- gate ---------------------------------------------------------------------------------------------------------

interface Gate extends Pick<ClearanceTerms, 'quorum' | 'withinMs' | 'reason'> {
  readonly role: string;
}

/** `{ type: 'gate', role: 'treasurer', quorum: 2, within: '4 hours', reason: '…' }` */
function readGate({ type, ...fields }: Obligation): Gate {
  const { role, quorum = 1, within, reason } = known(type, fields, ['role', 'quorum', 'within', 'reason']);
  if (!isText(role)) throw new Unmet(type, 'role must be a text');
  if (!Number.isSafeInteger(quorum) || (quorum as number) < 1)
    throw new Unmet(type, 'quorum must be a whole number from 1 on');
  if (reason !== undefined && !isText(reason)) throw new Unmet(type, 'reason must be a text');
  return { role, quorum: quorum as number, withinMs: millisIn(type, within), reason };
}

function millisIn(type: string, within: unknown): number | undefined {
  if (within === undefined) return undefined;
  try {
    return Math.max(1, millisOf(within as never, 'within'));
  } catch (error) {
    if (error instanceof InvalidArgument) throw new Unmet(type, error.message);
    throw error;
  }
}

/** Several gates are one in which the strictest of each holds: as many people, in as little time. */
function clearanceOf(gates: readonly Gate[], about: object): ClearanceTerms {
  const roles = [...new Set(gates.map(({ role }) => role))].sort();
  if (roles.length > 1) throw new Unmet('gate', `several roles would have to approve: ${roles.join(', ')}`);
  const quorum = Math.max(...gates.map((gate) => gate.quorum));
  const times = gates.flatMap(({ withinMs }) => withinMs ?? []);
  const withinMs = times.length === 0 ? undefined : Math.min(...times);
  const reason = gates.flatMap((gate) => gate.reason ?? []).join('; ') || undefined;
  try {
    return { key: hashOf({ ...about, roles, quorum }), roles, quorum, withinMs, reason };
  } catch (error) {
    if (error instanceof NotJson) throw new Unmet('gate', `the input is no JSON: ${error.message}`);
    throw error;
  }
}

// ---- parts --------------------------------------------------------------------------------------------------------

/** What an obligation says, if it says nothing else. What is misspelt would not be met. */
function known(type: string, fields: object, names: readonly string[]): Readonly<Record<string, unknown>> {
  const stranger = Object.keys(fields).find((name) => !names.includes(name));
  if (stranger !== undefined)
    throw new Unmet(type, `nobody knows what '${stranger}' means: there are ${names.join(', ')}`);
  return fields as Readonly<Record<string, unknown>>;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
