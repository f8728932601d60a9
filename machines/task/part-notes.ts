/**
 * What is noted of the parts that an attempt was done in: of each, what it was made of and what it came to, by their hashes. So what
 * was looked at for one part leads to what came of that part, and through it to the whole. Pure.
 */
import type { Answer, PartNote, PartsDone } from './words.ts';

export function partNoteOf(number: number, answer: Answer): PartNote {
  const { manifest } = answer;
  const { sources } = (answer.fault === undefined ? answer.result.metadata : answer.metadata) ?? {};
  return {
    number,
    ...(manifest !== undefined && { manifest }),
    ...(sources !== undefined && { sources }),
  };
}

/** Of all that are done, in whichever attempt that was, and of the one that has failed in this one, with those that were stopped. */
export function partNotesOf(done: PartsDone | undefined, answer: Answer): readonly PartNote[] {
  const notes = Object.entries(done?.answers ?? {}).map(([number, one]) => partNoteOf(Number(number), one));
  if (answer.fault === undefined || answer.part === undefined) return notes;
  const stopped = (answer.stopped ?? []).map((number): PartNote => ({ number, stopped: true }));
  return [...notes, answer.part, ...stopped];
}
