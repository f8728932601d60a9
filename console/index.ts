/**
 * `heddle/console`: looking at a running system from a browser. The only room that opens a port.
 */
export { inspector } from './inspector/inspector.ts';
export type { InspectorOptions, RunningInspector, ViewerStatus } from './inspector/inspector.ts';
export type { InspectorFilter } from './inspector/filter.ts';

// Errors
export { PortUnavailable } from './errors.ts';
