// The lie: "the tree heals". The example as a user runs it: failures, a SIGKILL, and the decisions of a person.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FROM_SOURCE } from '../../tests/from-source.ts';

let home: string;
beforeAll(() => void (home = mkdtempSync(join(tmpdir(), 'heddle-supervision-'))));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

it('fails in every way, and heals', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...FROM_SOURCE, at('./main.ts')], {
    cwd: home,
  });
  expect(stdout).not.toContain('NOT TRUE');
  expect(stdout.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')).toMatchInlineSnapshot(`
    "
    The shop opens
      ● shop                    rest-for-one
      ● ├─ ledger/books         up, 1250 cents
      ● ├─ checkout/till        up, 1 sold
      ● ├─ notify               one-for-one
      ● │  └─ mailer/post       up
      ● └─ orders               dynamic
      ●    ├─ order/7           up, [kettle]
      ●    └─ order/8           up, [spoon]

    1  The mailer loses its connection
      ● shop                    rest-for-one
      ● ├─ ledger/books         up, 1250 cents
      ● ├─ checkout/till        up, 1 sold
      ● ├─ notify               one-for-one
      ✖ │  └─ mailer/post       crashed, restarting
      ● └─ orders               dynamic
      ●    ├─ order/7           up, [kettle]
      ●    └─ order/8           up, [spoon]
      ! heddle: mailer/post went down: the mail server has hung up
      ● shop                    rest-for-one
      ● ├─ ledger/books         up, 1250 cents
      ● ├─ checkout/till        up, 1 sold
      ● ├─ notify               one-for-one
      ● │  └─ mailer/post       up, restarted 1×
      ● └─ orders               dynamic
      ●    ├─ order/7           up, [kettle]
      ●    └─ order/8           up, [spoon]
      supervisor/shop/notify wrote down:
        post has failed
        the backoff is over, start post
        post started
      ✔ it connected again 150 ms later, not sooner

    2  The ledger gets an amount that it cannot read
      ● shop                    rest-for-one
      ● ├─ ledger/books         up, restarted 1×, 1250 cents
      ● ├─ checkout/till        up, restarted 1×, 2 sold
      ● ├─ notify               one-for-one
      ● │  └─ mailer/post       up, restarted 1×
      ● └─ orders               dynamic
      ●    ├─ order/7           up, [kettle]
      ●    └─ order/8           up, [spoon]
      ! heddle: ledger/books went down: Cannot convert 12,50 to a BigInt
      supervisor/shop wrote down:
        books has failed, stop orders
        orders stopped, stop notify
        notify stopped, stop till
        till stopped, start books
        books started, start till
        till started, start notify
        notify started, start orders
        orders started

    3  An order has a bug
      refused: order/7 could not take 'engrave' in state "open": Invalid count value: -6; its state is unchanged
      ● shop                    rest-for-one
      ● ├─ ledger/books         up, restarted 1×, 1250 cents
      ● ├─ checkout/till        up, restarted 1×, 2 sold
      ● ├─ notify               one-for-one
      ● │  └─ mailer/post       up, restarted 1×
      ● └─ orders               dynamic
      ●    ├─ order/7           up, restarted 1×, [kettle]
      ●    └─ order/8           up, [spoon]
      ! heddle: order/7 went down: Invalid count value: -6
      supervisor/shop/orders wrote down:
        7 has failed, start 7
        7 started
      ✔ it is back, and the kettle is still in it

    4  An order fails again and again
      refused: order/8 could not take 'engrave' in state "open": Invalid count value: -8; its state is unchanged
      refused: order/8 could not take 'engrave' in state "open": Invalid count value: -8; its state is unchanged
      refused: order/8 could not take 'engrave' in state "open": Invalid count value: -8; its state is unchanged
      ● shop                    rest-for-one
      ● ├─ ledger/books         up, restarted 1×, 1250 cents
      ● ├─ checkout/till        up, restarted 1×, 2 sold
      ● ├─ notify               one-for-one
      ● │  └─ mailer/post       up, restarted 1×
      ● └─ orders               dynamic
      ●    ├─ order/7           up, [kettle]
      ●    └─ order/8           up, [spoon]
      supervisor/shop/orders wrote down:
        8 has failed, start 8
        8 started
        8 has failed, start 8
        8 started
        8 has failed, stop all of them
        all of them stopped, leave it to shop
        told to start, start all of them
        all of them started, tell shop
      supervisor/shop wrote down:
        orders has given up, start orders
        orders started
      ✔ the order that failed takes events again, and has lost nothing

    5  SIGKILL in the middle of a restart
      ● shop                    rest-for-one
      ● ├─ ledger/books         up, restarted 1×
      ✖ ├─ checkout/till        crashed, restarting, restarted 1×
      ◌ ├─ notify               one-for-one, stopping
      ○ │  └─ mailer/post       halted, restarted 1×
      ◌ └─ orders               dynamic, down
      ✂ killed, and opened again
      ● shop                    rest-for-one
      ● ├─ ledger/books         up, restarted 1×, 1250 cents
      ● ├─ checkout/till        up, restarted 2×, 2 sold
      ● ├─ notify               one-for-one
      ● │  └─ mailer/post       up, restarted 1×
      ● └─ orders               dynamic
      supervisor/shop wrote down:
        till has failed, stop orders
        orders stopped, stop notify
        ✂
        found in the middle of it, stop notify
        notify stopped, start till
        notify stopped
        till started, start notify
        notify started, start orders
        orders started

    6  A person looks at the dead letters
      ledger/books runs in state "open" (record 4).
      It is a permanent child of supervisor/shop, which says it is running.
      It was restarted once, last at <time> because it failed.
      Its last end was a crash at <time>: Cannot convert 12,50 to a BigInt.
      It waits for an event from outside.
      Dead letter 13: the event 'book' failed at <time>: Cannot convert 12,50 to a BigInt.

      letter 13: ledger/books could not take 'book': Cannot convert 12,50 to a BigInt
      letter 14: order/7 could not take 'engrave': Invalid count value: -6
      letter 15: order/8 could not take 'engrave': Invalid count value: -8
      letter 16: order/8 could not take 'engrave': Invalid count value: -8
      letter 17: order/8 could not take 'engrave': Invalid count value: -8
      letter 18: checkout/till could not take 'refund': refunds are not written yet

      Somebody mends the ledger, and opens the shop again.
      ● shop                    rest-for-one
      ● ├─ ledger/books         up, restarted 1×, 2500 cents
      ● ├─ checkout/till        up, restarted 2×, 2 sold
      ● ├─ notify               one-for-one
      ● │  └─ mailer/post       up, restarted 1×
      ● └─ orders               dynamic
      ada tried letter 13 again
      ada gave letter 14 up: order/7: the customer was told
      ada gave letter 15 up: order/8: the customer was told
      ada gave letter 16 up: order/8: the customer was told
      ada gave letter 17 up: order/8: the customer was told
      ada gave letter 18 up: checkout/till: the customer was told
      ✔ no dead letter is left
      ✔ everything that was sold is booked, once
      ✔ every journal proves itself
      ✔ supervisor/shop, told again, tells the same
      ✔ supervisor/shop/orders, told again, tells the same
      ✔ ledger/books, told again, tells the same
      ✔ order/8, told again, tells the same
    "
  `);
});

it('begins as the README shows it', async () => {
  const blocks = readFileSync(at('../../README.md'), 'utf8').matchAll(/```ts\n([^]*?)```/g);
  const [block] = [...blocks].flatMap(([, code]) => (code!.includes('supervise:') ? [code!] : []));
  writeFileSync(join(home, 'block.ts'), block!);
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  // As if the package were installed there.
  mkdirSync(join(home, 'node_modules'));
  symlinkSync(at('../..'), join(home, 'node_modules', 'heddle'));
  symlinkSync(at('../../node_modules/xstate'), join(home, 'node_modules', 'xstate'));
  const { stdout } = await promisify(execFile)(process.execPath, [...FROM_SOURCE, 'block.ts'], { cwd: home });
  expect(stdout).toMatch(/^basket\/7 could not take 'add'[^\n]*\n\[ 'kettle', 'spoon' \]\n$/);
});
