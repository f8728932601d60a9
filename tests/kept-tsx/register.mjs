// Preloaded into the processes of tests, so that they run the source, as tsx does: `node --import …/register.mjs`. The command line sees
// by the name among the flags of Node that somebody reads TypeScript already.
import { register } from 'node:module';

register('./hooks.mjs', import.meta.url);
