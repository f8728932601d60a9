/**
 * Asking how runs of workflows stand, stood, and go on. What is told of them is in the words of `system.runs`.
 */
import { RUN_STATES } from '../orchestration.ts';
import type { Orchestration } from '../orchestration.ts';
import { orchestrated, running } from '../subject.ts';
import type { Subject } from '../subject.ts';
import { told } from '../told.ts';
import { refusal, Refused, troubleOf } from '../trouble.ts';
import { known, once, operation } from './operation.ts';

export const runOperations = {
  /** Runs, by how they stand. */
  runs: operation({
    read: (given) => ({
      workflow: given.optionalText('workflow'),
      state: given.oneOf('state', RUN_STATES),
      under: given.optionalText('under'),
      limit: given.optionalWhole('limit'),
    }),
    async *run(subject, wanted) {
      for await (const run of orchestrated(subject, 'runs').runs.list(known(wanted))) yield told(run);
    },
  }),

  /** How one stands, or stood at one of its records. */
  runStatus: operation({
    read: (given) => ({ run: given.text('run'), at: given.optionalWhole('at') }),
    run: (subject, { run, at }) =>
      once(async () => told(await statusOf(orchestrated(subject, 'status').runs, run, known({ at })))),
  }),

  /** Why a task was given to whom it was. */
  route: operation({
    read: (given) => ({ task: given.text('task'), at: given.optionalWhole('at') }),
    run: (subject, { task, at }) =>
      once(async () => ({
        task,
        why: await routeOf(orchestrated(subject, 'route').runs, task, known({ at })),
      })),
  }),

  /** How it stands, and again whenever that is different, until its end. */
  watchRun: operation({
    read: (given) => ({ run: given.text('run') }),
    async *run(subject, { run }, signal) {
      running(subject, 'following a run');
      const { runs } = orchestrated(subject, 'status');
      await statusOf(runs, run);
      for await (const status of runs.watch(run, { signal })) yield told(status);
    },
  }),
};

type Runs = Orchestration['runs'];

/** @throws Refused in words that say where there is one, if that is none */
export async function statusOf(
  runs: Runs,
  run: string,
  options: Parameters<Runs['status']>[1] = {},
): Promise<object> {
  try {
    return await runs.status(run, options);
  } catch (error) {
    throw elsewhere(run, error, 'run of a workflow');
  }
}

/** @throws Refused likewise */
async function routeOf(runs: Runs, task: string, options: Parameters<Runs['route']>[1]): Promise<string> {
  try {
    return await runs.route(task, options);
  } catch (error) {
    throw elsewhere(task, error, 'task');
  }
}

function elsewhere(address: string, error: unknown, what: 'run of a workflow' | 'task'): unknown {
  const trouble = troubleOf(error);
  if (trouble.code === 'HEDDLE_UNKNOWN_ACTOR')
    return refusal(
      'NotFound',
      `${address}: nobody ever lived there; \`heddle runs\` lists the runs that have not ended, \`heddle ls\` everybody`,
      { cause: error },
    );
  if (trouble.code !== 'HEDDLE_INVALID_ARGUMENT' || trouble.fields?.['path'] !== 'address') return error;
  const message = `${address} is no ${what}; \`heddle show ${address}\` shows any actor`;
  return new Refused({ ...trouble, message }, { cause: error });
}

/** The parts of a run that have names of their own; all others are parts of the state of any actor. */
const OF_RUNS =
  /^(run|workflow|state|startedAt|input|tasks|shared|problem|money|sources|decisions|waits|next)(?![^.[])/;

/** What asks for a part of a run, if that is what a path names. @throws Refused when nobody has such parts but a run, and this is none */
export async function blamerOf(subject: Subject, address: string, path: string) {
  if (!OF_RUNS.test(path) || subject.orchestration === undefined) return undefined;
  const { runs } = subject.orchestration;
  await statusOf(runs, address);
  return runs.of(address);
}
