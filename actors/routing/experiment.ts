/**
 * Experiments: which agent of several does a task is dealt, and stays as it is dealt. An arm with too many faults is not used any
 * more, as long as there is somebody else.
 */
import type { ExperimentNote, PassedOver } from '../../machines/task/words.ts';
import { armOf } from './bucket.ts';
import type { Candidate, RouteRequest } from './candidate.ts';
import type { Experiment, Router } from './rules.ts';

export interface Dealt {
  readonly candidates: readonly Candidate[];
  readonly passedOver: readonly PassedOver[];
  readonly experiment?: ExperimentNote;
}

/** The candidates, with the one that the task was dealt first. */
export function dealt(
  candidates: readonly Candidate[],
  request: RouteRequest,
  { experiments }: Router,
): Dealt {
  const { capability, agents } = request.duty;
  const experiment = experiments.find((each) => each.capability === capability);
  if (experiment === undefined || agents.length > 0) return { candidates, passedOver: [] };
  const { arm, bucket } = armOf(experiment, request);
  const { left, stopped } = withoutStopped(candidates, experiment);
  const first = left.find(({ agent }) => agent.name === arm.agent);
  const note = { id: experiment.id, arm: arm.name, bucket };
  const why = stopped.find(({ agent }) => agent === arm.agent)?.why ?? `${arm.agent} is passed over`;
  return {
    candidates: first === undefined ? left : [first, ...left.filter((each) => each !== first)],
    passedOver: stopped,
    experiment: first === undefined ? { ...note, left: why } : note,
  };
}

function withoutStopped(candidates: readonly Candidate[], experiment: Experiment) {
  const stopped = candidates.flatMap(({ agent, tally }): PassedOver[] => {
    const arm = experiment.arms.find((each) => each.agent === agent.name);
    const { guardrail } = experiment;
    if (arm === undefined || guardrail === undefined) return [];
    const faults = tally.attempts - tally.accepted;
    if (tally.attempts < guardrail.after || faults <= guardrail.faults * tally.attempts) return [];
    const why = `arm ${arm.name} of ${experiment.id} is stopped: ${faults} of ${tally.attempts} attempts had faults`;
    return [{ agent: agent.name, why }];
  });
  const left = candidates.filter(({ agent }) => !stopped.some((each) => each.agent === agent.name));
  // A guardrail chooses among those who are there. It is no reason to ask nobody.
  return left.length > 0 ? { left, stopped } : { left: candidates, stopped: [] };
}
