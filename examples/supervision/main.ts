/**
 * A shop in which things go wrong, one after the other, and its supervision tree, which heals each time.
 *
 * Six acts: a connection that breaks; an event that a machine cannot take; an order with a bug; an order that will not stop
 * failing; a SIGKILL in the middle of a restart; and what a person does about it all afterwards.
 */
import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DeadLetter, SystemTree } from 'heddle';
import { decisionsOf, lengthOf } from './decisions.ts';
import type { LastWords } from './doomed.ts';
import { MailServer } from './mail-server.ts';
import { Screen } from '../stage/screen.ts';
import { BACKOFF_MS, openShop } from './shop.ts';
import type { Shop } from './shop.ts';
import { draw, isWell, nodeAt, until } from './tree.ts';

const STORE = './.data/supervision';

const screen = new Screen(process.stdout);
const server = new MailServer();

/** What the system has said to its operator since it was asked last. */
let reports: string[] = [];
const logger = {
  log: () => {},
  error: (what: unknown, error: unknown) => void reports.push(`${String(what)} ${messageOf(error)}`),
};

const open = (isMended = false): Promise<Shop> => openShop({ store: STORE, server, logger, isMended });

// ---- what is shown ------------------------------------------------------------------------------------------------

/** Waits until everybody runs and somebody has been restarted so often, or has restarted others, and shows it. */
async function healed(shop: Shop, address: string, restarts: number): Promise<void> {
  const hasHealed = (tree: SystemTree): boolean =>
    isWell(tree) && (nodeAt(tree, address)?.restarts ?? 0) >= restarts;
  show(shop, await until(shop.tree(), hasHealed));
}

function show(shop: Shop, tree: SystemTree): void {
  draw(screen, tree, (address) => detailOf(shop, address));
}

/** What stands in the states of ledger, checkout and orders. */
type Shown = { readonly cents: bigint; readonly sold: number; readonly items: readonly string[] };

/** What the actors have in their states, which no restart may take from them. */
function detailOf(shop: Shop, address: string): string {
  const snapshot = shop.get(address)?.getSnapshot() as { context?: Partial<Shown> } | undefined;
  const { cents, sold, items } = snapshot?.context ?? {};
  if (cents !== undefined) return `${cents} cents`;
  if (sold !== undefined) return `${sold} sold`;
  return items === undefined ? '' : `[${items.join(' ')}]`;
}

function tellReports(): void {
  for (const report of reports.splice(0)) screen.print(`  ${screen.paint('dim', `! ${report}`)}`);
}

/** What a supervisor has written into its journal beyond a record. */
async function tellDecisions(shop: Shop, supervisor: string, beyond: number): Promise<void> {
  screen.print(`  ${screen.paint('dim', `supervisor/${supervisor} wrote down:`)}`);
  for (const { text } of await decisionsOf(shop, supervisor, beyond + 1)) screen.print(`    ${text}`);
}

const messageOf = (error: unknown): string => {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
};

// ---- the acts -----------------------------------------------------------------------------------------------------

async function opens(): Promise<Shop> {
  screen.title('The shop opens');
  const shop = await open();
  const till = shop.get('checkout/till')!;
  await till.send({ type: 'sell', amount: '1250' });
  for (const [id, item] of [
    ['7', 'kettle'],
    ['8', 'spoon'],
  ] as const) {
    const order = await shop.actor('order', id);
    await order.send({ type: 'add', item });
  }
  show(shop, await until(shop.tree(), (tree) => isWell(tree) && nodeAt(tree, 'order/8') !== undefined));
  return shop;
}

/** A process rejects. */
async function connectionBreaks(shop: Shop): Promise<void> {
  screen.title('1  The mailer loses its connection');
  server.hangUp();
  show(shop, await until(shop.tree(), (tree) => nodeAt(tree, 'mailer/post')?.phase === 'restarting'));
  tellReports();
  await healed(shop, 'mailer/post', 1);
  await tellDecisions(shop, 'shop/notify', 2);
  const ends: number[] = [];
  for await (const { at, event, wentDown } of shop.history('mailer/post'))
    if (wentDown || event.type === 'heddle.up') ends.push(at);
  screen.check(ends[1]! - ends[0]! >= BACKOFF_MS, `it connected again ${BACKOFF_MS} ms later, not sooner`);
}

/** A step throws, though nobody waits for it. */
async function poisonArrives(shop: Shop): Promise<void> {
  screen.title('2  The ledger gets an amount that it cannot read');
  const before = await lengthOf(shop, 'shop');
  await shop.get('checkout/till')!.send({ type: 'sell', amount: '12,50' });
  await healed(shop, 'ledger/books', 1);
  tellReports();
  await tellDecisions(shop, 'shop', before);
}

/** A step throws, and its sender is told. */
async function orderFails(shop: Shop): Promise<void> {
  screen.title('3  An order has a bug');
  const before = await lengthOf(shop, 'shop/orders');
  await shop.get('order/7')!.send({ type: 'engrave', text: 'for my grandmother' }).catch(tellRefusal);
  await healed(shop, 'supervisor/shop/orders', 1);
  tellReports();
  await tellDecisions(shop, 'shop/orders', before);
  screen.check(
    shop.get('order/7')!.getSnapshot().context.items.join() === 'kettle',
    'it is back, and the kettle is still in it',
  );
}

/** The same again and again, until the restarts are spent. */
async function orderFailsAgainAndAgain(shop: Shop): Promise<void> {
  screen.title('4  An order fails again and again');
  const before = { shop: await lengthOf(shop, 'shop'), orders: await lengthOf(shop, 'shop/orders') };
  const restarts = restartsOfOrders(shop);
  const order = shop.get('order/8')!;
  // An actor that is being restarted lets its events wait.
  for (let i = 0; i < 3; i++)
    await order.send({ type: 'engrave', text: 'the best grandfather' }).catch(tellRefusal);
  show(shop, await until(shop.tree(), (tree) => isWell(tree) && restartsOfOrders(shop) > restarts));
  // What the operator hears is what the sender was told.
  reports = [];
  await tellDecisions(shop, 'shop/orders', before.orders);
  await tellDecisions(shop, 'shop', before.shop);
  await order.send({ type: 'add', item: 'fork' });
  screen.check(
    order.getSnapshot().context.items.join() === 'spoon,fork',
    'the order that failed takes events again, and has lost nothing',
  );
}

/** The tree shows how often a supervisor has restarted others; how often it was restarted itself, only the one above knows. */
function restartsOfOrders(shop: Shop): number {
  const children = shop.supervisor('shop').whichChildren();
  const orders = children.find(({ id }) => id === 'orders')!;
  return orders.phase === 'running' ? orders.restarts : 0;
}

function tellRefusal(error: Error): void {
  screen.print(`  ${screen.paint('red', 'refused:')} ${error.message}`);
}

/** The whole process dies while a supervisor stops and starts its children. */
async function killedInTheMiddle(shop: Shop): Promise<Shop> {
  screen.title('5  SIGKILL in the middle of a restart');
  const before = await lengthOf(shop, 'shop');
  await shop.close();
  const atItsEnd = await liveAndDie();
  draw(screen, atItsEnd);
  screen.print(`  ${screen.paint('red', '✂ killed')}, and opened again`);
  const killedAt = Date.now();
  const again = await open();
  await healed(again, 'checkout/till', 2);
  reports = [];
  screen.print(`  ${screen.paint('dim', 'supervisor/shop wrote down:')}`);
  let isKilled = false;
  for (const { at, text } of await decisionsOf(again, 'shop', before + 1)) {
    if (at >= killedAt && !isKilled) screen.print(`    ${screen.paint('red', '✂')}`);
    isKilled ||= at >= killedAt;
    screen.print(`    ${text}`);
  }
  return again;
}

/** Hosts the shop in a process of its own, and kills that when its restart is under way. Resolves with the tree as it was. */
async function liveAndDie(): Promise<SystemTree> {
  const child = fork(fileURLToPath(new URL('./doomed.ts', import.meta.url)), [STORE], {
    serialization: 'advanced',
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const words = await new Promise<LastWords>((resolve, reject) => {
    child.once('message', (said: LastWords) => resolve(said));
    child.once('exit', () => reject(new Error('the process has ended by itself')));
  });
  if ('trouble' in words) throw new Error(words.trouble);
  child.kill('SIGKILL');
  await exited;
  return words.tree;
}

/** What the tree cannot heal waits for a person. */
async function personDecides(shop: Shop): Promise<void> {
  screen.title('6  A person looks at the dead letters');
  for (const line of (await shop.explain('ledger/books')).split('\n')) screen.print(`  ${line}`);
  screen.print();
  for await (const letter of shop.deadLetters()) screen.print(`  ${tellLetter(letter)}`);
  await shop.close();

  screen.print('\n  Somebody mends the ledger, and opens the shop again.');
  const mended = await open(true);
  const letters = mended.deadLetters();
  for await (const { id, address } of letters) {
    if (address === 'ledger/books') await letters.retry(id, { by: 'ada' });
    else await letters.discard(id, { by: 'ada', reason: `${address}: the customer was told` });
  }
  await healed(mended, 'shop', 0);
  for await (const { event } of mended.history('heddle/system')) {
    if (event.type !== 'xstate.init') screen.print(`  ${tellDecision(event)}`);
  }
  const left: DeadLetter[] = [];
  for await (const letter of mended.deadLetters()) left.push(letter);
  screen.check(left.length === 0, 'no dead letter is left');
  const { cents } = mended.get('ledger/books')!.getSnapshot().context;
  const { sold } = mended.get('checkout/till')!.getSnapshot().context;
  screen.check(cents === 2500n && sold === 2, 'everything that was sold is booked, once');
  const { broken } = await mended.verify();
  screen.check(broken.length === 0, 'every journal proves itself');
  for (const address of ['supervisor/shop', 'supervisor/shop/orders', 'ledger/books', 'order/8']) {
    const { same } = await mended.replay(address);
    screen.check(same, `${address}, told again, tells the same`);
  }
  await mended.close();
}

const tellLetter = ({ id, address, event, error }: DeadLetter): string =>
  `letter ${id}: ${address} could not take '${event!.type}': ${messageOf(error)}`;

function tellDecision(event: { readonly type: string; readonly [field: string]: unknown }): string {
  const { by, reason, letter } = event as unknown as {
    by: string;
    reason?: string;
    letter: number | DeadLetter;
  };
  return typeof letter === 'number'
    ? `${by} tried letter ${letter} again`
    : `${by} gave letter ${letter.id} up: ${reason}`;
}

rmSync(STORE, { recursive: true, force: true });
let shop = await opens();
await connectionBreaks(shop);
await poisonArrives(shop);
await orderFails(shop);
await orderFailsAgainAndAgain(shop);
shop = await killedInTheMiddle(shop);
await personDecides(shop);
