/**
 * What accounts, gates and tasks tell each other is not for `send`: from outside anybody could say in their stead that there is money or a
 * place, that somebody is to be asked in the shadow of another, or what came of it. So whoever hears it believes it.
 */
import type { AnyActorLogic } from 'xstate';
import { isAccount } from '../machines/budget/account.ts';
import { durable, specOf } from '../runtime/index.ts';
import type { ChildSpec } from '../runtime/index.ts';

const ACCOUNTS = 'the account that is to answer: budget.topUp gives it more';
const OF_ACCOUNTS = { 'budget.reserved': ACCOUNTS, 'budget.refused': ACCOUNTS };
const TASKS = 'runs, whose tasks say it';

/** What tasks believe. Also that a tool was permitted stands in their journal because it was decided. */
export const OF_TASKS = { ...OF_ACCOUNTS, 'task.permission': 'assignment.permit, which asks the decider' };

/** Somebody may have reserved more for logic of theirs. */
const reserving = <TLogic extends object>(logic: TLogic, reserves: ChildSpec['reserves']): TLogic =>
  durable(logic, { reserves: { ...specOf(logic)?.reserves, ...reserves } });

/** An account; all other logic as it is. */
export const reservedIfAccount = <TLogic>(logic: TLogic): TLogic =>
  isAccount(logic) ? reserving(logic, { ...OF_ACCOUNTS, 'budget.begin': 'budget.configure' }) : logic;

/** A call that passes gates. */
export const reservedCall = (call: AnyActorLogic): AnyActorLogic =>
  reserving(call, { 'permit.': 'the gate that is to answer: permit.configure gives it more places' });

/** A shadow, and one of its comparisons, which is paid for. */
export const reservedShadow = (shadow: AnyActorLogic): AnyActorLogic =>
  reserving(shadow, { ...OF_ACCOUNTS, 'shadow.': TASKS });

export const reservedRecord = (record: AnyActorLogic): AnyActorLogic =>
  reserving(record, { 'record.': TASKS });
