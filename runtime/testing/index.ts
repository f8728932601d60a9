/**
 * `heddle/testing`: time that stands still until it is moved, a disk that fails and crashes when it is told to, and recorded runs
 * that are told again.
 */
export { check, reproduce } from '../past/check.ts';
export type { CheckOptions, RecordedFailure, Reproduction } from '../past/check.ts';
export { VirtualClock } from './virtual-clock.ts';
export { Disk, faulty } from '../../storage/faulty.ts';
export type { CrashKind, DiskHook, DiskOptions, WriteFault } from '../../storage/faulty.ts';
export type { Clock, TimerHandle } from '../clock.ts';
