/**
 * Document intake: six papers come in. The one who reads them makes mistakes of every kind, one invoice is wrong by itself, the
 * process is killed in the middle, and a clerk may not approve everything.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ReviewRefused } from 'heddle/actors';
import { gathered, isDoomed, killedWhenItSays, say, until } from '../stage/lives.ts';
import { Screen } from '../stage/screen.ts';
import { doneAgain, stepsOf } from '../stage/steps.ts';
import { deedsIn } from '../stage/world.ts';
import type { Invoice } from './agents.ts';
import { open } from './intake.ts';

const DATA = resolve('.data/intake');
const STORE = `${DATA}/store`;
const ROUND = {
  papers: fileURLToPath(new URL('papers', import.meta.url)),
  archive: `${DATA}/archive`,
  world: `${DATA}/world.jsonl`,
};
const screen = new Screen(process.stdout);

if (isDoomed) await firstLife();
else await story();

/** Is killed when somebody waits for a clerk. */
async function firstLife(): Promise<void> {
  const system = await open(STORE);
  await system.start('inbox', { id: '1', input: ROUND });
  await until('somebody waits for a clerk', async () => {
    for await (const review of system.reviews.pending()) return review;
    return undefined;
  });
  say('halfway');
}

async function story(): Promise<void> {
  rmSync(DATA, { recursive: true, force: true });
  mkdirSync(DATA, { recursive: true });
  await killedWhenItSays('halfway', import.meta.url);
  const doneBefore = deedsIn(ROUND.world).length;

  await using system = await open(STORE);
  const run = system.get('inbox/1')!;
  const waiting = await until('three wait', async () => {
    const all = await gathered(system.reviews.pending({ role: 'clerk' }));
    return all.length === 3 && all;
  });
  screen.tellKill(`when ${doneBefore} pieces of work were done; the next process goes on`);

  screen.title('At the desk of the clerks');
  for (const { id, title: question, content } of waiting.toSorted((a, b) => a.id.localeCompare(b.id))) {
    const { supplier, total } = content as { readonly supplier: string; readonly total: number };
    screen.tell(supplier, `${total}: ${question}`);
    if (id.endsWith('/extract/review')) {
      await system.reviews.decide(id, {
        by: 'ada',
        verdict: 'reject',
        reason: 'its total is wrong: send it back',
      });
      screen.tell('', 'ada rejects it: its total is wrong, send it back');
      continue;
    }
    try {
      await system.reviews.decide(id, { by: 'ada', verdict: 'approve' });
      screen.tell('', 'ada approves it');
    } catch (refused) {
      if (!(refused instanceof ReviewRefused)) throw refused;
      screen.tell('', `ada may not: ${refused.message}`);
      await system.reviews.decide(id, { by: 'bob', verdict: 'approve' });
      screen.tell('', 'bob approves it');
    }
  }
  await until('all is done', () => run.getSnapshot().status === 'done');

  screen.title('What was done with each paper');
  const steps = await stepsOf(system, 'inbox/1');
  const papers = new Map<string, typeof steps>();
  for (const step of steps) {
    const { paper: name = 'the inbox' } = step.input as { readonly paper?: string };
    papers.set(name, [...(papers.get(name) ?? []), step]);
  }
  for (const [name, own] of papers) {
    screen.print(` ${name}`);
    for (const step of own) screen.tellStep(step, inWords);
  }

  screen.title('What came of it');
  const { papers: outcomes } = run.getSnapshot().context.nodes;
  const results = outcomes!.output as readonly {
    status: string;
    output?: object;
    problem?: { message: string };
  }[];
  for (const { status, output, problem } of results)
    screen.tell(status, problem?.message ?? JSON.stringify(output));
  const deeds = deedsIn(ROUND.world);
  screen.check(
    results.filter(({ status }) => status === 'complete').length === 5,
    'five papers are in the archive',
  );
  screen.check(
    deeds.every(({ what }) => what !== 'archive fence.txt'),
    'the wrong invoice is not',
  );
  screen.check(
    doneAgain(steps, deeds).length === 0,
    'nothing that was finished before the kill was done again',
  );
  const { broken } = await system.verify();
  screen.check(broken.length === 0, 'all records prove themselves');
}

/** What agents answer. */
type Answer = Partial<Invoice> & {
  readonly papers?: readonly string[];
  readonly kind?: string;
  readonly shelf?: string;
};

function inWords({ papers, kind, shelf, supplier, total }: Answer): string {
  if (papers !== undefined) return `${papers.length} papers`;
  return kind ?? shelf ?? `${supplier}: ${total}`;
}
