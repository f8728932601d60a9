/**
 * `npm run example:inspector`: an aquarium to look into. Open the address that it prints in a browser, and watch. It ends with
 * Ctrl-C; started again, the fish go on where they were.
 */
import { createSystem, daemon } from 'heddle';
import { inspector } from 'heddle/console';
import { leveldb } from 'heddle/storage';
import { actors } from './aquarium.ts';

const [folder = './.data/aquarium'] = process.argv.slice(2);

const eye = inspector();
const opening = createSystem({ store: leveldb(folder), actors, inspect: eye });
daemon(opening);
const system = await opening;
await eye.ready;
await system.actor('tank', 'window');
await system.actor('cat', 'tom');

console.log(`\n  Look into the aquarium:  ${eye.url}\n\n  (Ctrl-C ends it. The fish will remember.)\n`);
