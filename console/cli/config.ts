/**
 * The configuration file of the command line: `heddle.config.ts` in the working folder says where the store is, and what runs in
 * it. Programs can use the same file to open their system, so that both always have the same code.
 */
import type { Agent, Supplies } from '../../actors/index.ts';
import type { ActorDefinition, Decider, Principal, Supervisor } from '../../runtime/index.ts';

/** The actors of a system, by name: logic, workflows, and agents. */
type Definitions = Readonly<Record<string, ActorDefinition | Agent>>;

export interface HeddleConfig<TActors extends Definitions = Definitions> extends Supplies {
  /** The folder of the store; relative to this file. `--store` overrides it. */
  readonly store?: string;
  /** As for `createSystem`. */
  readonly actors: TActors;
  /** As for `createSystem`. */
  readonly supervise?: Supervisor<keyof TActors & string>;
  /** As for `createSystem`. Without, nobody is asked what is permitted when the system runs here: with `--run`. */
  readonly decider?: Decider;
  /** As for `createSystem`: on whose behalf this program acts. */
  readonly principal?: Principal;
}

/**
 * A configuration, with types:
 *
 *     // heddle.config.ts
 *     export default defineConfig({ store: './data', actors: { order, ledger } });
 */
export function defineConfig<const TActors extends Definitions>(
  config: HeddleConfig<TActors>,
): HeddleConfig<TActors> {
  return config;
}
