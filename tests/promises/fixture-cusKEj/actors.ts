import { order } from '../exported-order.ts';
export const actors = { order: order({ fails: false }) };
