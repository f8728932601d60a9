/**
 * A financial check with spend limits: two payments are checked at once, on the money of one day, and there is not enough for both. A
 * bill comes late, the process is killed in the middle, nobody releases what they have begun, and one payment is called off.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { amountOf, microsOf, ReviewRefused } from 'heddle/actors';
import type { Micros, Review } from 'heddle/actors';
import { gathered, isDoomed, killedWhenItSays, say, until } from '../stage/lives.ts';
import { Screen } from '../stage/screen.ts';
import { doneAgain, stepsOf } from '../stage/steps.ts';
import { deedsIn } from '../stage/world.ts';
import { open } from './house.ts';
import type { House } from './house.ts';

const DATA = resolve('.data/finance');
const STORE = `${DATA}/store`;
const WORLD = `${DATA}/world.jsonl`;
const PAYMENTS = {
  north: { client: 'north', payee: 'Bright Windows', amount: 7_000, world: WORLD },
  south: { client: 'south', payee: 'Harbour Trading Partners', amount: 4_000, world: WORLD },
};
const IDS = ['north', 'south'] as const;
const screen = new Screen(process.stdout);

if (isDoomed) await firstLife();
else await story();

/** Is killed when the first person is needed. */
async function firstLife(): Promise<void> {
  const system = await open(STORE);
  await system.start('account', { id: 'acme', input: { limit: 0.25, per: 'day' } });
  const paul = system.as({ type: 'user', id: 'paul' });
  await Promise.all(IDS.map((id) => paul.start('check', { id, input: PAYMENTS[id] })));
  await until('somebody is needed', async () => (await gathered(system.reviews.pending()))[0]);
  say('halfway');
}

async function story(): Promise<void> {
  rmSync(DATA, { recursive: true, force: true });
  mkdirSync(DATA, { recursive: true });
  await killedWhenItSays('halfway', import.meta.url);
  screen.tellKill('when the first person was needed; the next process goes on');

  await using system = await open(STORE);
  screen.title('What people are asked on the way');
  const gates = await toTheGates(system);

  screen.title('A late bill');
  const day = () => system.get('account/acme')!.getSnapshot().context.window;
  const before = day().spent;
  const bill = { ticket: 'check/north/ratios#1', cost: microsOf(0.11), source: 'provider' } as const;
  await system.get('check/north/account')!.send({ type: 'budget.correct', ...bill });
  await until('the day has the bill', () => day().spent !== before);
  screen.tell(
    'account/acme',
    `has spent ${inMoney(day().spent)} instead of ${inMoney(before)} of ${inMoney(day().limit)}`,
  );

  screen.title('At the gates');
  const [north, south] = gates;
  try {
    await system.reviews.decide(north.id, { by: 'paul', verdict: 'approve' });
  } catch (refused) {
    if (!(refused instanceof ReviewRefused)) throw refused;
    screen.tell('paul', `may not: ${refused.message}`);
  }
  await system.reviews.decide(north.id, { by: 'carol', verdict: 'approve', reason: 'liquidity is fine' });
  screen.tell('carol', 'releases the payment of north');
  await system.reviews.decide(south.id, {
    by: 'carol',
    verdict: 'abort',
    reason: 'the payee is too near the list',
  });
  screen.tell('carol', 'calls off the payment of south');
  const runs = IDS.map((id) => system.get(`check/${id}`)!);
  await until('both have ended', async () => {
    await topUpIfAsked(system);
    return runs.every((run) => run.getSnapshot().status !== 'active');
  });
  // The accounts of the runs tell that of the day, which is an actor as well: it hears of it a moment later.
  await until('all is settled', () => day().reserved === 0);

  screen.title('What was done');
  const all = [];
  for (const id of IDS) {
    screen.print(` ${id}`);
    const steps = await stepsOf(system, `check/${id}`);
    for (const step of steps) screen.tellStep(step, (output: object) => JSON.stringify(output).slice(0, 70));
    all.push(...steps);
  }

  screen.title('What came of it');
  const deeds = deedsIn(WORLD);
  const done = (what: string) => deeds.findIndex((deed) => deed.what === what);
  const [paid, calledOff] = runs.map((run) => run.getSnapshot());
  screen.tell('north', JSON.stringify(paid!.output));
  screen.tell('south', (calledOff!.error as { readonly message: string }).message);
  screen.check(
    done('pay for north') !== -1 && done('pay for south') === -1,
    'one was paid, the other was not',
  );
  screen.check(
    done('book for south') < done('unbook for south') &&
      done('unbook for south') < done('unearmark for south'),
    'what was done for the other was undone, the last first',
  );
  const { spent, reserved, overdraft, limit } = day();
  const costs = all.flatMap(({ attempts }) => attempts).reduce((sum, { cost = 0 }) => sum + cost, 0);
  screen.check(
    spent === costs + microsOf(0.03) && reserved === 0 && overdraft === 0,
    `the day has spent ${inMoney(spent)} of ${inMoney(limit)}: what all tasks have cost, and the late bill`,
  );
  screen.check(
    doneAgain(all, deeds).length === 0,
    'nothing that was finished before the kill was done again',
  );
  screen.check((await system.verify()).broken.length === 0, 'all records prove themselves');
}

/** Answers what tasks ask people, until both payments wait to be released. */
async function toTheGates(system: House): Promise<readonly [Review, Review]> {
  return await until('both wait to be released', async () => {
    await topUpIfAsked(system);
    for (const { id, title: question, roles } of await gathered(
      system.reviews.pending({ role: 'compliance' }),
    )) {
      if (question.includes('could not be done')) continue;
      screen.tell(roles.join(), `${id}: ${question}`);
      await system.reviews.decide(id, { by: 'cosmo', verdict: 'approve', reason: 'another company' });
      screen.tell('', 'cosmo takes it: another company');
    }
    const waiting = await gathered(system.reviews.pending({ role: 'controller' }));
    const gates = IDS.map((name) => waiting.find(({ id }) => id === `check/${name}/release`));
    return gates.every((gate) => gate !== undefined) && (gates as [Review, Review]);
  });
}

/** Where a task has no money any more somebody gives more, and lets it go on. */
async function topUpIfAsked(system: House): Promise<void> {
  for (const { id, title: question, about, roles } of await gathered(system.reviews.pending())) {
    if (!question.includes('could not be done')) continue;
    const { message } = about['problem'] as { readonly message: string };
    screen.tell(roles.join(), `${id}: ${message}`);
    const carol = system.as({ type: 'user', id: 'carol' });
    const more = { amount: microsOf(0.2), by: 'carol', reason: 'the end of the month' };
    await carol.get('account/acme')!.send({ type: 'budget.topUp', ...more });
    const by = roles.includes('compliance') ? 'cosmo' : 'carol';
    await system.reviews.decide(id, { by, verdict: 'approve', reason: 'there is money again' });
    screen.tell('', `carol gives 0.2 more for today, and ${by} lets it go on`);
  }
}

function inMoney(micros: Micros): string {
  return amountOf(micros).toFixed(2);
}
