/**
 * Operators: on whose behalf something is done that comes through the control socket. The token proves that it is somebody who may
 * read the files of the user who runs the daemon; by which name he goes is what he says.
 */
import { userInfo } from 'node:os';
import type { Principal } from '../../runtime/index.ts';

/** @param names what was said, the most particular first */
export function operator(...names: readonly unknown[]): Principal {
  const name = names.find(isName);
  return { type: 'operator', id: name ?? user() };
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.trim() !== '' && value.isWellFormed();

/** The user whose process this is. */
export function user(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may have a number for a user, and no name for it.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
