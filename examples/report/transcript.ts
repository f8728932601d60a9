/**
 * The transcript: what happened, told from the journals, with the kills between.
 */
import { basename } from 'node:path';
import type { HistoryRecord } from 'heddle';
import type { DoneActorEvent } from 'xstate';
import type { Published } from './agents.ts';
import type { Audit } from './audit.ts';
import type { ChapterFinished } from './chapter.ts';
import type { Decision } from './report.ts';
import type { CorpusListing, Research, Summary } from './text/index.ts';
import type { Screen } from './screen.ts';

/** Something that happened to the daemon. */
export type Incident = { readonly at: number; readonly what: string; readonly detail: string };

type Line = {
  readonly at: number;
  readonly what: string;
  readonly detail: string;
  readonly isIncident: boolean;
};

export function printTranscript(screen: Screen, { records }: Audit, incidents: readonly Incident[]): void {
  const lines: Line[] = [
    ...records.flatMap((record) => {
      const told = tell(record);
      return told === undefined ? [] : [{ at: record.at, what: told[0], detail: told[1], isIncident: false }];
    }),
    ...incidents.map((incident) => ({ ...incident, isIncident: true })),
  ].toSorted((a, b) => a.at - b.at);
  for (const { at, what, detail, isIncident } of lines) {
    const time = new Date(at).toISOString().slice(11, 23);
    const line = `${what.padEnd(20)}${detail}`;
    screen.print(`  ${screen.paint('dim', time)}  ${isIncident ? screen.paint('red', line) : line}`);
  }
}

/** A record in words; undefined where the same is told by another. */
function tell({ address, event }: HistoryRecord): readonly [what: string, detail: string] | undefined {
  const output = (event as unknown as DoneActorEvent).output;
  switch (event.type) {
    case 'xstate.init':
      return address.includes('/chapter-') ? undefined : ['begun', address];
    case 'xstate.done.actor.librarian':
      return ['listed', `${(output as CorpusListing).documents.length} documents`];
    case 'xstate.done.actor.researcher':
      return [
        'researched',
        (output as Research).terms
          .slice(0, 5)
          .map(({ term }) => term)
          .join(', '),
      ];
    case 'xstate.done.actor.summariser': {
      const { path, sentences } = output as Summary;
      return ['summarised', `${path}: ${sentences.length} sentences`];
    }
    case 'chapter.finished': {
      const { path, verdicts, problem } = event as ChapterFinished;
      const verified = verdicts.filter(({ ok }) => ok).length;
      return ['checked', `${path}: ${problem ?? `${verified} of ${verdicts.length} quotations stand in it`}`];
    }
    case 'decide': {
      const { decision, by } = event as Decision;
      return [decision, `by ${by}`];
    }
    case 'xstate.done.actor.publisher':
      return ['published', basename((output as Published).path)];
    default:
      return event.type.startsWith('xstate.error.') ? ['failed', event.type.slice(13)] : undefined;
  }
}
