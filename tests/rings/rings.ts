/** Every ring, by name. */
import { boundaries } from './boundaries.ts';
import { planted } from './planted.ts';
import type { Ring } from './ring.ts';
import { seeds } from './seeds.ts';

export const RINGS: Readonly<Record<string, Ring>> = { seeds, boundaries, planted };
