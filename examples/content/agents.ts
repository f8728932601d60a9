/**
 * The agents of an editorial office. They write by rules, count, and compare with the notes; the writer gets a year wrong.
 */
import { writeFileSync } from 'node:fs';
import { agent, result } from 'heddle/actors';
import type { Assignment, Inferred } from 'heddle/actors';
import { fields, listOf, NAME, NUMBER, TEXT } from '../stage/schemas.ts';
import { note } from '../stage/world.ts';

/** What is to be written about, where it goes, and the file in which the world notes what was done. */
export const BRIEF = fields({ topic: NAME, notes: listOf(NAME), out: NAME, world: NAME });
const DRAFT = fields({ headline: NAME, text: NAME });
const REFINED = fields({ headline: NAME, text: NAME, score: NUMBER });
export type Brief = Inferred<typeof BRIEF>;

/** One piece of work, told to the world. */
function done<TOutput extends Readonly<Record<string, unknown>>>(
  assignment: Assignment<{ readonly brief: Brief }>,
  what: string,
  output: TOutput,
  confidence = 1,
) {
  note(assignment.input.brief.world, what, assignment.idempotencyKey);
  return Promise.resolve(result(assignment, { output, cost: 0.01, duration: 0, model: 'local', confidence }));
}

const estimate = () => 0.01;

/** Joins the notes with everything that makes a text longer, and mixes up two digits. */
const writer = agent({
  name: 'writer',
  capabilities: ['draft'],
  model: 'local',
  estimate,
  inputSchema: fields({ brief: BRIEF }),
  outputSchema: DRAFT,
  execute: (assignment) => {
    const { topic, notes } = assignment.input.brief;
    const text = notes.map((one, index) =>
      index % 2 === 0 ? `Basically, ${one}.` : `It is really very true that ${one}.`,
    );
    return done(assignment, 'draft', { headline: topic, text: text.join(' ').replace('1986', '1968') });
  },
});

const FILLERS = [/\bBasically, /g, /\bIt is really very true that /g];
const countOf = (text: string): number =>
  FILLERS.reduce((sum, filler) => sum + (text.match(filler) ?? []).length, 0);

/** Takes one filler out at a time. */
const refiner = agent({
  name: 'refiner',
  capabilities: ['refine'],
  model: 'local',
  estimate,
  inputSchema: fields({ brief: BRIEF, draft: DRAFT }),
  outputSchema: REFINED,
  execute: (assignment) => {
    const { headline, text } = assignment.input.draft;
    const filler = FILLERS.find((one) => text.search(one) !== -1);
    const better = filler === undefined ? text : text.replace(new RegExp(filler.source), '');
    const refined = better.replace(
      /(^|\. )([a-z])/g,
      (_, before: string, first: string) => before + first.toUpperCase(),
    );
    return done(assignment, 'refine', { headline, text: refined, score: 1 - countOf(refined) / 10 });
  },
});

/** Looks up every figure in the notes. Breaks down when it is asked the first time. */
const factChecker = agent({
  name: 'fact-checker',
  capabilities: ['verify'],
  model: 'local',
  estimate,
  inputSchema: fields({ brief: BRIEF, draft: DRAFT }),
  outputSchema: fields({ unsupported: listOf(TEXT) }),
  execute: (assignment) => {
    if (assignment.attempt === 1) throw new Error('out of memory');
    const { brief, draft } = assignment.input;
    const known = new Set(brief.notes.join(' ').match(/\d+/g));
    const unsupported = (draft.text.match(/\d+/g) ?? []).filter((figure) => !known.has(figure));
    return done(assignment, 'verify', { unsupported });
  },
});

/** Judges by the length of sentences, and knows that this does not say everything. */
const stylist = agent({
  name: 'stylist',
  capabilities: ['style'],
  model: 'local',
  estimate,
  inputSchema: fields({ brief: BRIEF, draft: DRAFT }),
  outputSchema: fields({ wordsPerSentence: NUMBER }),
  execute: (assignment) => {
    const sentences = assignment.input.draft.text.split('. ');
    const words = sentences.join(' ').split(' ').length;
    return done(assignment, 'style', { wordsPerSentence: Math.round(words / sentences.length) }, 0.8);
  },
});

const publisher = agent({
  name: 'publisher',
  capabilities: ['publish'],
  model: 'local',
  estimate,
  inputSchema: fields({ brief: BRIEF, draft: DRAFT, approvedBy: listOf(NAME) }),
  outputSchema: fields({ path: NAME }),
  execute: (assignment) => {
    const { brief, draft, approvedBy } = assignment.input;
    writeFileSync(
      brief.out,
      `# ${draft.headline}\n\n${draft.text}\n\nApproved by ${approvedBy.join(' and ')}.\n`,
    );
    return done(assignment, 'publish', { path: brief.out });
  },
});

export const agents = { writer, refiner, 'fact-checker': factChecker, stylist, publisher };
