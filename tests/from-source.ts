/**
 * The package starts a process of its own for what may end one. Tests run the source, so that process must be able to. Imported for
 * what it does.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} --import=${tsx}`.trim();
