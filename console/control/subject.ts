/**
 * What is asked: a system, that runs in a daemon, or that was opened here, paused, to be looked at. Each operation says with these
 * what it needs, and whoever asks is told what is missing.
 */
import type { ActorDefinitions, Principal, SystemView } from '../../runtime/index.ts';
import type { Halting, Orchestration } from './orchestration.ts';
import { refusal } from './trouble.ts';

/** A system of whose actors nothing is known at compile time. */
export type AnySystem = SystemView<ActorDefinitions>;

export interface Subject {
  /** The folder. */
  readonly location: string;
  readonly system: AnySystem;
  /** Whether actors move in it. */
  readonly isRunning: boolean;
  /** Whether it was opened with the code of its actors: without, only journals can be read. */
  readonly hasCode: boolean;
  /** Its runs, reviews and contents; undefined where it was opened without. Looking at them nobody is asked for. */
  readonly orchestration: Orchestration | undefined;
  /** The kill switch, which needs no code. */
  halts(): Promise<Halting>;
  /** On whose behalf it is done; undefined: on that of the program, which says in its own words who has told it to. */
  readonly principal?: Principal;
}

type Opened = Omit<Subject, 'halts'>;

/** The system, if it has the code of its actors. */
export function withCode({ system, hasCode, location }: Opened, what: string): AnySystem {
  if (hasCode) return system;
  throw refusal(
    'NeedsCode',
    `${what} needs the code of the actors in ${location}: give it with --actors <file>, or in heddle.config.ts`,
  );
}

/** The system, if it runs. */
export function running({ system, isRunning, location }: Subject, what: string): AnySystem {
  if (isRunning) return system;
  throw refusal(
    'NeedsRunning',
    `${what} needs a system that runs on ${location}: start its daemon, which calls serveControl, or let the system run here ` +
      'for as long as it takes, with --run and --actors <file>',
  );
}

/** What the system has of runs, reviews and contents. */
export function orchestrated(subject: Opened, what: string): Orchestration {
  withCode(subject, what);
  if (subject.orchestration !== undefined) return subject.orchestration;
  throw refusal(
    'NeedsCode',
    `${what} needs a system with workflows: what has opened ${subject.location} is no createSystem of 'heddle'`,
  );
}
