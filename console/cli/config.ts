/**
 * The configuration file of the command line: `heddle.config.ts` in the working folder says where the store is, and what runs in
 * it. Programs can use the same file to open their system, so that both always have the same code.
 */
import type { ActorDefinitions, Supervisor } from '../../runtime/index.ts';

export interface HeddleConfig<TActors extends ActorDefinitions = ActorDefinitions> {
  /** The folder of the store; relative to this file. `--store` overrides it. */
  readonly store?: string;
  /** As for `createSystem`. */
  readonly actors: TActors;
  /** As for `createSystem`. */
  readonly supervise?: Supervisor<keyof TActors & string>;
}

/**
 * A configuration, with types:
 *
 *     // heddle.config.ts
 *     export default defineConfig({ store: './data', actors: { order, ledger } });
 */
export function defineConfig<const TActors extends ActorDefinitions>(
  config: HeddleConfig<TActors>,
): HeddleConfig<TActors> {
  return config;
}
