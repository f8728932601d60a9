/**
 * `heddle/testing`: time that stands still until it is moved, and a disk that fails and crashes when it is told to.
 */
export { VirtualClock } from './virtual-clock.ts';
export { Disk, faulty } from '../../storage/faulty.ts';
export type { CrashKind, DiskHook, DiskOptions, WriteFault } from '../../storage/faulty.ts';
export type { Clock, TimerHandle } from '../clock.ts';
