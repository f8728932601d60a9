/**
 * `heddle/console`: what people look at a system with. The only room that opens sockets.
 */
// The command line
export { defineConfig } from './cli/config.ts';
export type { HeddleConfig } from './cli/config.ts';

// The control socket, which it talks to while a system runs
export { serveControl } from './control/server.ts';
export type { Control, ControlOptions } from './control/server.ts';
