/**
 * A day at the bakery, which ends with a power cut: nothing is written down that need not be. Argument: the store.
 */
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import bakery, { NASTY } from './bakery.ts';

const logger = { log: () => {}, error: () => {} };
const supervise = bakery.supervise!;
const system = await createSystem({ ...bakery, store: leveldb(process.argv[2]!), logger, supervise });
const oven = system.get('oven/big')!;
await oven.send({ type: 'bake', loaves: 12n });
await oven.send({ type: 'label', text: NASTY }, { id: 'label-1' });
await oven.send({ type: 'burn' }).catch(() => {});
const bread = await system.actor('bread', '1');
await bread.send({ type: 'bake' });
process.kill(process.pid, 'SIGKILL');
