/**
 * `heddle`: XState actors that survive kill -9, replay exactly, and can prove every decision.
 *
 * The runtime, with a `createSystem` that knows agents, workflows and people as well.
 */
export * from './runtime/index.ts';
export { createSystem } from './actors/system.ts';
export type { HeddleSystem, HeddleView, Hosted, StaffedDefinitions, Supplies } from './actors/system.ts';
