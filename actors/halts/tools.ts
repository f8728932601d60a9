/**
 * Tools that an agent uses while it works: each is asked for, and what was decided stands in the task's journal before the agent hears
 * of it.
 */
import type { ToolPermission, ToolUse } from '../../machines/contract.ts';
import type { Asking, TaskPermission } from '../../machines/task/words.ts';
import { currentEffect } from '../../runtime/index.ts';
import type { Authority } from '../../runtime/index.ts';
import { tenantOf } from '../state/belonging.ts';
import type { HaltableCall } from './halts.ts';
import type { RunningCalls } from './running.ts';

/** Where the tools are used. */
interface ToolPlace {
  readonly calls: RunningCalls;
  readonly workplace: {
    readonly authority: Authority;
    get(address: string): object | undefined;
    /** Says something to a task that nobody else says to it. */
    tellTask(task: object, event: TaskPermission): Promise<unknown>;
  };
}

/** Decides about a tool that an agent is about to use. Recorded by the task before anybody is told. */
export async function permitTool(
  { calls, workplace }: ToolPlace,
  labels: readonly string[] | undefined,
  { agent, envelope, attempt: number }: Asking,
  call: HaltableCall,
  { tool, properties }: ToolUse,
): Promise<ToolPermission> {
  const { run, workflow, task } = envelope.context;
  const { authority } = workplace;
  const tenant = tenantOf(call);
  const resource = { type: 'tool', id: tool };
  const { hash } = authority;
  const halt = calls.haltOn({ ...call, tool });
  const { effect, determining, reasons } =
    halt === undefined
      ? await authority.permit({
          principal: {
            ...{ type: 'agent', id: agent },
            properties: { run, workflow, task, ...(tenant !== undefined && { tenant }) },
          },
          action: {
            name: 'tool.call',
            properties: { ...properties, ...(labels !== undefined && { labels }) },
          },
          resource,
        })
      : ({ effect: 'deny', determining: [], reasons: [halt.why] } as const);
  const permission = { effect, determining, reasons, decider: hash };
  await workplace.tellTask(taskOf(envelope.id, workplace), {
    ...{ type: 'task.permission', action: 'tool.call', resource, permission, attempt: number },
  });
  // It may have been halted while that was written.
  const since = calls.haltOn({ ...call, tool });
  return since === undefined
    ? { effect, determining, reasons }
    : { effect: 'deny', determining, reasons: [since.why] };
}

/** The task that a process belongs to. The id of its envelope is its address, with the number of its life behind it. */
function taskOf(id: string, workplace: Pick<ToolPlace['workplace'], 'get'>): object {
  const process = currentEffect()?.address ?? '';
  const address = [id, id.replace(/~\d+$/, '')].find((one) => process.startsWith(`${one}/`));
  const found = address === undefined ? undefined : workplace.get(address);
  if (found === undefined) throw new Error(`there is no task ${id} to record what was permitted`);
  return found;
}
