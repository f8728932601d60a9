/**
 * What the command line needs to know to tell of the report after `npm start`:
 *
 *     npx heddle --actors examples/report/heddle.config.ts status report/1
 */
import { defineConfig } from 'heddle/console';
import { agents } from './agents.ts';
import { report } from './report.ts';

export default defineConfig({ store: '../../.data/report/store', actors: { report, ...agents } });
