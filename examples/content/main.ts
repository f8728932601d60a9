/**
 * Content with quorum review: an article is drafted, refined until it is good enough, checked, and needs two editors. One of them mends
 * it after the other has approved, so that one's approval is void; and because nobody else comes in time, the chief is asked.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { ReviewRefused } from 'heddle/actors';
import type { DecideOptions } from 'heddle/actors';
import { isDoomed, killedWhenItSays, say, until } from '../stage/lives.ts';
import { Screen } from '../stage/screen.ts';
import { doneAgain, stepsOf } from '../stage/steps.ts';
import { deedsIn } from '../stage/world.ts';
import { open } from './house.ts';
import type { House } from './house.ts';

const DATA = resolve('.data/content');
const STORE = `${DATA}/store`;
const BRIEF = {
  topic: 'A comet comes back',
  notes: [
    'the comet returns every 76 years',
    'it was last seen in 1986',
    'a probe flew past it at 596 kilometres',
    'it comes again in 2061',
  ],
  out: `${DATA}/article.md`,
  world: `${DATA}/world.jsonl`,
};
const GATE = 'article/1/editors';
const screen = new Screen(process.stdout);

if (isDoomed) await firstLife();
else await story();

/** Is killed when the first editor has approved. */
async function firstLife(): Promise<void> {
  const system = await open(STORE);
  await system.as({ type: 'user', id: 'dave' }).start('article', { id: '1', input: BRIEF });
  const { hash } = await until('editors are asked', () => system.reviews.get(GATE));
  await system.reviews.decide(GATE, { by: 'ada', verdict: 'approve', hash });
  say('halfway');
}

async function story(): Promise<void> {
  rmSync(DATA, { recursive: true, force: true });
  mkdirSync(DATA, { recursive: true });
  await killedWhenItSays('halfway', import.meta.url);

  await using system = await open(STORE);
  screen.title('How it came to the editors');
  const before = await stepsOf(system, 'article/1');
  for (const step of before) screen.tellStep(step, inWords);

  screen.title('At the gate: two must approve');
  const first = system.reviews.get(GATE)!;
  screen.tell('ada', `has approved it: ${first.approvals.length} of ${first.quorum}`);
  screen.tellKill('right after that; her approval is on the disk');
  const { text, unsupported } = first.content as {
    readonly text: string;
    readonly unsupported: readonly string[];
  };
  screen.print(`  Not in the notes: ${unsupported.join(', ')}`);
  await decide(system, { by: 'dave', verdict: 'approve' }, 'approves what he has begun himself');
  const nonsense = [{ pointer: '/headline', value: '' }];
  await decide(system, { by: 'eve', verdict: 'approve', edits: nonsense }, 'takes the headline out');
  const mended = [{ pointer: '/text', value: text.replace('1968', '1986') }];
  await decide(system, { by: 'eve', verdict: 'approve', edits: mended }, 'mends the year, and approves that');
  const { voided, hash } = system.reviews.get(GATE)!;
  screen.tell('', `void now: the approval of ${voided.map(({ by }) => by).join(', ')}`);
  await decide(
    system,
    { by: 'ada', verdict: 'approve', hash: first.hash },
    'approves what she was shown before',
  );
  await until('the chief is asked', () => system.reviews.get(GATE)!.roles.includes('chief'));
  screen.tell('', 'a second has passed: the chief may decide too');
  await decide(system, { by: 'carol', verdict: 'approve', hash }, 'approves what it is now');
  const run = system.get('article/1')!;
  await until('it is published', () => run.getSnapshot().status === 'done');

  screen.title('What came of it');
  const steps = await stepsOf(system, 'article/1');
  const page = readFileSync(BRIEF.out, 'utf8');
  for (const line of page.split('\n')) if (line !== '') screen.print(`  ${line}`);
  screen.check(
    page.includes('1986') && !page.includes('1968'),
    'what was published is what the editor has made of it',
  );
  screen.check(page.includes('Approved by eve and carol'), 'and what two have approved as it is');
  screen.check(
    doneAgain(steps, deedsIn(BRIEF.world)).length === 0,
    'nothing that was finished before the kill was done again',
  );
  screen.check((await system.verify()).broken.length === 0, 'all records prove themselves');
}

/** Somebody decides, or is refused. */
async function decide(
  system: House,
  what: DecideOptions & { readonly by: string },
  inShort: string,
): Promise<void> {
  const { by } = what;
  try {
    await system.reviews.decide(GATE, what);
    screen.tell(by, inShort);
  } catch (refused) {
    if (!(refused instanceof ReviewRefused)) throw refused;
    screen.tell(by, `${inShort}: refused (${refused.reason})`);
  }
}

function inWords(output: object): string {
  const [name, value] = Object.entries(output).at(-1)!;
  return `${name}: ${String(value).slice(0, 60)}`;
}
