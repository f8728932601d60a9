/**
 * A small file system of its own, which runs full when it is told to. It needs the right to mount one.
 */
import { execFileSync } from 'node:child_process';

/** Mounts a disk of so many bytes at a folder. Returns whether that is allowed here. */
export function mountDisk(folder: string, bytes: number): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function unmountDisk(folder: string): void {
  execFileSync('umount', ['-l', folder]);
}

/** How many bytes there is room for. */
export function roomLeft(folder: string): number {
  const [, line] = execFileSync('df', ['--output=avail', '-B1', folder]).toString().split('\n');
  return Number(line);
}
