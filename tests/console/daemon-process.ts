/**
 * A daemon that hosts the bakery, for the tests of the command line. Arguments: its store, and whether it serves a control socket.
 */
import { createSystem, daemon } from 'heddle';
import { serveControl } from 'heddle/console';
import { leveldb } from 'heddle/storage';
import bakery from './bakery.ts';

const [store, isServed] = process.argv.slice(2) as [string, string];

const logger = { log: () => {}, error: () => {} };
const opening = createSystem({ ...bakery, store: leveldb(store), logger, supervise: bakery.supervise! });
const system = await opening;
const control = isServed === 'served' ? await serveControl(system, { store }) : undefined;
daemon(system, { logger, onClose: () => control?.close() });
process.stdout.write('up\n');
// Nothing else keeps it: an oven that waits for its timer must not have to.
process.stdin.resume();
