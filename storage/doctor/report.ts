/**
 * What the doctor says, in words.
 */
import type { Diagnosis, Salvage, Verdict } from './doctor.ts';

type Unwritten = Omit<Diagnosis, 'advice' | 'text'>;

const SHOWN = 20;

const HEADLINES: Readonly<Record<Verdict, string>> = {
  sound: 'is sound: everything in it proves itself',
  damaged: 'opens, and is damaged',
  closed: 'does not open',
  'in-use': 'is open in another process, and was not looked at',
  unfinished: 'was being restored or salvaged, and that did not come to its end',
  missing: 'holds no store',
};

/** @param reason why nothing can be saved */
export function write(diagnosis: Unwritten, reason: string | undefined): Pick<Diagnosis, 'advice' | 'text'> {
  const { folder, verdict, findings, holds, saves } = diagnosis;
  const lines = [`${folder} ${HEADLINES[verdict]}.`];
  if (holds !== undefined) {
    const { actors, records, frames, head } = holds;
    lines.push(
      `It holds ${count(actors, 'actor')}, ${count(records, 'record')} in ${count(frames, 'frame')}, up to commit ${head.commit} (${head.hash.slice(0, 16)}).`,
    );
  }
  for (const { severity, where, what } of findings.slice(0, SHOWN))
    lines.push(`${severity.padEnd(7)}  ${what.startsWith(where) ? what : `${where}: ${what}`}`);
  if (findings.length > SHOWN) lines.push(`… and ${findings.length - SHOWN} more`);
  if (saves !== undefined) lines.push(...aboutSaving(saves));
  if (reason !== undefined) lines.push(`Nothing can be saved: ${reason}`);
  const advice = adviceFor(diagnosis);
  for (const what of advice) lines.push(`→ ${what}`);
  return { advice, text: lines.join('\n') };
}

function aboutSaving({ kept, refused, losses, wasRepaired }: Salvage): string[] {
  const lines = [
    `Can be saved: ${count(kept, 'actor')}${wasRepaired ? ', after LevelDB has gathered what is left of its files' : ''}.`,
  ];
  for (const { address, actor, evidence } of refused.slice(0, SHOWN)) {
    const { seq, frame, reason } = evidence;
    const place = [seq === undefined ? '' : `record ${seq}`, frame === undefined ? '' : `frame ${frame}`];
    const where = place.filter((part) => part !== '').join(', ');
    lines.push(`Refused: ${address ?? `actor #${actor}`}${where === '' ? '' : ` (${where})`}: ${reason}`);
  }
  if (refused.length > SHOWN) lines.push(`… and ${refused.length - SHOWN} more`);
  for (const loss of losses) lines.push(`Besides: ${loss}`);
  return lines;
}

function adviceFor({ verdict, findings, saves }: Unwritten): string[] {
  switch (verdict) {
    case 'sound':
      return [];
    case 'in-use':
      return ['close it there, or ask the system that has it open: system.verify()'];
    case 'unfinished':
      return ['do it once more, with the same folders'];
    case 'missing':
      return ['name the folder that leveldb(folder) is given'];
  }
  const isHarmless = findings.every(({ severity }) => severity === 'warning');
  if (isHarmless) return ['it can be opened as it is; keep a copy of the folder if you did not expect this'];
  const advice = [
    'keep a copy of the folder before anything else',
    'restore a backup, if there is one that is new enough',
  ];
  if (saves !== undefined)
    advice.push('or salvage({ from, to }) into a new folder: it writes what proves itself');
  return advice;
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
