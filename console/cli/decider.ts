/**
 * Who decides: what a person does about a system is recorded with a name, which is that of the user unless another is given.
 */
import { Option } from 'commander';
import { user } from '../control/operator.ts';
import type { Flags } from './command.ts';

export const BY: Option = new Option('--by <name>', 'who decides; recorded (default: you)');

export const decider = (flags: Flags): string => flags.text('by') ?? user();
