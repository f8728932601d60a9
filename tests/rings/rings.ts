/** Every ring, by name. */
import { backup } from './backup.ts';
import { bits } from './bits.ts';
import { boundaries } from './boundaries.ts';
import { differential } from './differential.ts';
import { diskFull } from './disk-full.ts';
import { elsewhere } from './elsewhere.ts';
import { kill } from './kill.ts';
import { orchestration } from './orchestration.ts';
import { otp } from './otp.ts';
import { planted } from './planted.ts';
import type { Ring } from './ring.ts';
import { scxml } from './scxml.ts';
import { seeds } from './seeds.ts';
import { soak } from './soak.ts';
import { supervision } from './supervision.ts';

export const RINGS: Readonly<Record<string, Ring>> = {
  differential,
  scxml,
  boundaries,
  seeds,
  planted,
  kill,
  'disk-full': diskFull,
  bits,
  backup,
  elsewhere,
  orchestration,
  otp,
  soak,
  supervision,
};
