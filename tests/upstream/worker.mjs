// A program that does tasks by JSON-RPC lines, well or badly, as its input says. For the tests of the subprocess adapter.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const say = (value) => process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
let count = 0;

const DO = {
  answer: ({ id, params }) =>
    say({ jsonrpc: '2.0', id, result: resultOf(params, { said: params.input.say ?? 'hello' }) }),
  /** What it knows of the world around it. */
  look: ({ id, params }) =>
    say({
      jsonrpc: '2.0',
      id,
      result: resultOf(params, { env: { ...process.env }, cwd: process.cwd(), params }),
    }),
  count: ({ id, params }) =>
    say({ jsonrpc: '2.0', id, result: resultOf(params, { pid: process.pid, count: ++count }) }),
  fail: ({ id, params }) => say({ jsonrpc: '2.0', id, error: params.input.error }),
  exit: ({ params }) => {
    process.stderr.write(`${params.input.stderr ?? 'it went wrong'}\n`, () =>
      process.exit(params.input.code),
    );
  },
  'answer-and-exit': (request) => {
    DO.answer(request);
    process.stdout.write('', () => process.exit(request.params.input.code));
  },
  die: () => process.kill(process.pid, 'SIGSEGV'),
  prose: ({ params }) => say(params.input.text),
  twice: (request) => {
    DO.answer(request);
    DO.answer(request);
  },
  notify: (request) => {
    say({ jsonrpc: '2.0', method: 'log', params: ['working'] });
    DO.answer(request);
  },
  'other-id': ({ params }) => say({ jsonrpc: '2.0', id: 99, result: resultOf(params, {}) }),
  long: ({ params }) => process.stdout.write('x'.repeat(params.input.bytes)),
  hang: ({ params }) => tell(params, {}),
  /** Deaf to all that can be ignored, and so is its child. */
  stay: ({ params }) => {
    process.on('SIGTERM', () => {});
    const script = `process.on('SIGTERM', () => {}); process.stdout.write('up'); setInterval(() => {}, 1000)`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.once('data', () => tell(params, { child: child.pid }));
  },
  /** Leaves a child behind that holds its streams. */
  leave: (request) => {
    const child = spawn('sleep', ['1000'], { stdio: 'inherit' });
    tell(request.params, { child: child.pid });
    DO.answer(request);
    process.stdout.write('', () => process.exit(0));
  },
};

function resultOf({ id }, output) {
  return {
    id,
    status: 'success',
    output,
    metadata: { cost: 0, duration: 1, model: 'worker', confidence: 1 },
  };
}

/** Its numbers, for whoever looks whether they are gone. */
function tell({ input }, others) {
  writeFileSync(input.file, JSON.stringify({ pid: process.pid, ...others }));
}

// What hangs or stays does not end with its input either.
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const request = JSON.parse(line);
  if (['hang', 'stay'].includes(request.params.input.do)) setInterval(() => {}, 100_000);
  DO[request.params.input.do](request);
});
