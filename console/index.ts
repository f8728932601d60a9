/**
 * `heddle/console`: what people look at a system with: the command line, and the inspector in a browser. The only room that opens
 * ports and sockets.
 */
// The command line
export { defineConfig } from './cli/config.ts';
export type { HeddleConfig } from './cli/config.ts';

// The control socket, which it talks to while a system runs
export { serveControl } from './control/server.ts';
export type { Control, ControlOptions } from './control/server.ts';

// The inspector
export { inspector } from './inspector/inspector.ts';
export type { InspectorOptions, RunningInspector, ViewerStatus } from './inspector/inspector.ts';
export type { InspectorFilter } from './inspector/filter.ts';

// Errors
export { PortUnavailable } from './errors.ts';
