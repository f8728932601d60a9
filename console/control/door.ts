/**
 * The door: where the control socket of a store is, and the token that whoever knocks must show. It is a private folder
 * `heddle.control` among the files of the store, which only the user who runs the daemon can enter:
 *
 *     data/heddle.control/door.json    { pid, path, token, store, since }, mode 0600
 *     data/heddle.control/socket       the socket, where its path is short enough for one
 *
 * A door that nobody answers at is left over from a process that was killed. Whoever owns the store replaces it.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const FOLDER = 'heddle.control';
const DOOR_FILE = 'door.json';
const TOKEN_BYTES = 32;
/** What the folder of a socket is called that has no room beside the store. */
const ELSEWHERE = 'heddle-control-';

/** What a socket's path may be long, with its end, on the strictest of the systems that have them. */
const MAX_SOCKET_PATH_BYTES = 100;

export interface Door {
  readonly pid: number;
  /** What to connect to: a socket, or a named pipe. */
  readonly path: string;
  readonly token: string;
  /** Which store it belongs to: the folder may be a copy. */
  readonly store: string;
  readonly since: string;
}

/** Makes the door of a store that this process owns. What an earlier process has left is removed. */
export function makeDoor(store: string, since: string): Door {
  const folder = join(store, FOLDER);
  const earlier = readDoor(store);
  if (earlier !== undefined) removeSocketOf(earlier);
  rmSync(folder, { recursive: true, force: true });
  // The mode counts from the first moment: nobody else can enter before it is set.
  mkdirSync(folder, { mode: 0o700 });
  chmodSync(folder, 0o700);
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  return { pid: process.pid, path: socketPath(folder), token, store: realpathSync(store), since };
}

function socketPath(folder: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\heddle-${randomBytes(16).toString('hex')}`;
  const path = join(realpathSync(folder), 'socket');
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path;
  return join(mkdtempSync(join(tmpdir(), ELSEWHERE)), 'socket');
}

/** Lets others find the door; called when somebody listens behind it. */
export function openDoor(store: string, door: Door): void {
  const path = join(store, FOLDER, DOOR_FILE);
  // In one step: nobody reads half of it.
  writeFileSync(`${path}.draft`, JSON.stringify(door), { mode: 0o600, flag: 'wx' });
  renameSync(`${path}.draft`, path);
}

/** Takes the door away, if it is still this one. */
export function removeDoor(store: string, door: Door): void {
  const folder = join(store, FOLDER);
  if (readDoor(store)?.token === door.token) rmSync(folder, { recursive: true, force: true });
  removeSocketOf(door);
}

/** A socket that stands elsewhere has a folder of its own. The path may come from a file that somebody has changed. */
function removeSocketOf({ path }: Door): void {
  const own = dirname(path);
  if (dirname(own) === tmpdir() && basename(own).startsWith(ELSEWHERE))
    rmSync(own, { recursive: true, force: true });
}

/** The door of a store; undefined when there is none, or what is there is no door. */
export function readDoor(store: string): Door | undefined {
  try {
    const door = JSON.parse(readFileSync(join(store, FOLDER, DOOR_FILE), 'utf8')) as Partial<Door> | null;
    const { pid, path, token, store: of, since } = door ?? {};
    if (typeof pid !== 'number' || typeof since !== 'string') return undefined;
    if (typeof path !== 'string' || typeof token !== 'string' || typeof of !== 'string') return undefined;
    return { pid, path, token, store: of, since };
  } catch {
    return undefined;
  }
}
