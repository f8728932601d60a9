// The lie: "every room imports only what it may". Reads the imports of every source file, holds them against the table of
// the house, and names the line that breaks it; and makes sure that it would notice.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** A room, or one file in it, and what may be imported there besides its own files. */
interface Room {
  readonly place: string;
  /** Other places of the house. */
  readonly house: readonly string[];
  /** Packages: `effect/` stands for all of its parts, and `type effect` for its types alone. */
  readonly packages: readonly string[];
}

/** What is more special comes first. A room that is not in here must not have files. */
const TABLE: readonly Room[] = [
  // The only place that knows clocks and chance as the platform has them, because it replaces them.
  {
    place: 'runtime/kernel/moment.ts',
    house: [],
    packages: ['node:crypto', 'node:module', 'node:timers', 'node:v8'],
  },
  // What a step may not call: it names the functions, and calls none of them.
  {
    place: 'runtime/kernel/firewall.ts',
    house: [],
    packages: [
      ...['node:child_process', 'node:dgram', 'node:dns', 'node:fs', 'node:http', 'node:net'],
      'node:worker_threads',
    ],
  },
  // The only place that measures the event loop.
  { place: 'runtime/health/event-loop.ts', house: [], packages: ['node:perf_hooks'] },
  // Pure: of node:crypto it takes a hash.
  {
    place: 'runtime/kernel/fingerprint.ts',
    house: ['runtime/kernel/'],
    packages: ['xstate', 'node:crypto'],
  },
  { place: 'runtime/kernel/', house: [], packages: ['xstate'] },
  {
    place: 'runtime/',
    house: [
      ...['runtime/kernel/', 'storage/', 'machines/permits/retry-after.ts'],
      'machines/working-time/zone.ts',
    ],
    // Parts of effect and no barrel: loading all of it costs 150 ms.
    packages: ['xstate', '@xstate/store', 'type effect', 'effect/', 'node:async_hooks', 'node:util'],
  },
  // The only place that starts a process: in it, stores are opened that may be broken.
  {
    place: 'storage/doctor/',
    house: ['storage/'],
    packages: [
      'level',
      'node:child_process',
      'node:fs',
      'node:fs/promises',
      'node:os',
      'node:path',
      'node:url',
    ],
  },
  {
    place: 'storage/',
    house: [],
    packages: [
      ...['level', 'abstract-level', 'memory-level', 'msgpackr'],
      ...['node:crypto', 'node:fs', 'node:fs/promises', 'node:os', 'node:path', 'node:util', 'node:zlib'],
    ],
  },
  { place: 'machines/', house: [], packages: ['xstate'] },
  // What speaks to other programs in their own ways. SDKs are told by their shape, and never imported.
  {
    place: 'actors/adapters/',
    house: ['actors/', 'machines/', 'runtime/index.ts'],
    packages: ['node:child_process', 'type node:stream', 'node:timers/promises'],
  },
  // The only place that knows what a schema is made with. It requires a part of effect when the first schema of effect comes.
  {
    place: 'actors/schema/',
    house: ['machines/'],
    packages: [
      ...['ajv', 'ajv/', 'ajv-formats', '@standard-schema/spec', 'type effect/Schema'],
      ...['node:crypto', 'node:module'],
    ],
  },
  // The only places that know how workflow files are written: in YAML, with expressions in CEL.
  { place: 'actors/workflow/file/document.ts', house: ['actors/', 'machines/'], packages: ['yaml'] },
  {
    place: 'actors/workflow/file/expression.ts',
    house: ['machines/'],
    packages: ['@marcbachmann/cel-js'],
  },
  { place: 'actors/workflow/file/computed.ts', house: [], packages: ['type @marcbachmann/cel-js'] },
  { place: 'actors/workflow/file/matching.ts', house: [], packages: ['re2js'] },
  // The only place that reads YAML for the decider.
  { place: 'actors/roles/content.ts', house: [], packages: ['yaml', 'node:crypto'] },
  // The only place that opens a system by itself: in memory, in virtual time.
  {
    place: 'actors/rehearsal/',
    house: [
      ...['actors/', 'machines/', 'runtime/index.ts'],
      ...['runtime/testing/virtual-clock.ts', 'storage/memory.ts'],
    ],
    packages: ['xstate', 'node:crypto'],
  },
  {
    place: 'actors/',
    house: ['runtime/index.ts', 'machines/'],
    packages: ['xstate', 'type effect', 'effect/', 'node:crypto'],
  },
  // The command line must start quickly: what loads a runtime it imports when it is needed.
  {
    place: 'console/cli/',
    house: ['console/control/', 'runtime/index.ts', 'storage/index.ts', 'actors/index.ts'],
    packages: ['node:', 'commander', 'get-east-asian-width'],
  },
  { place: 'console/control/', house: ['runtime/index.ts'], packages: ['node:'] },
  // The only place that opens a port.
  { place: 'console/', house: ['runtime/index.ts'], packages: ['node:', 'ws'] },
  // Users: they take the package by its published names, and whatever packages they like.
  { place: 'examples/', house: [], packages: [''] },
];

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What is no source: made, borrowed, or free to import anything. */
const ELSEWHERE = new Set(['node_modules', 'dist', 'docs', 'tests', 'bench', '.git']);
const BESIDE = /\.(test|test-d|testsuite|modelsuite)\.ts$/;

const sources: readonly SourceFile[] = filesBelow(ROOT)
  .filter((path) => path.endsWith('.ts') && path.includes('/') && !BESIDE.test(path))
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (ELSEWHERE.has(entry.name) || entry.isSymbolicLink()) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [relative(ROOT, path)];
  });
}

const IMPORTED = /(?:\bfrom\s+|\bimport\s*\(\s*|^\s*import\s+)(['"])(?<what>[^'"]+)\1/g;
const COMMENT = /^\s*(\*|\/\/|\/\*)/;

/** The lines that break the table, as an editor would open them. */
function breaches(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const room = TABLE.find(({ place }) => path.startsWith(place));
    if (room === undefined) return [`${path}:1 stands in no room of the table`];
    let isTypeOnly = false;
    return text.split('\n').flatMap((line, index) => {
      if (COMMENT.test(line)) return [];
      // An import may go over several lines; its first says whether it is of types alone.
      if (/^\s*(import|export)\b/.test(line)) isTypeOnly = /^\s*(import|export)\s+type\b/.test(line);
      return [...line.matchAll(IMPORTED)]
        .map(({ groups }) => groups!['what']!)
        .filter((what) => !mayImport(room, path, what, isTypeOnly))
        .map((what) => `${path}:${index + 1} imports '${what}', which ${room.place} may not`);
    });
  });
}

function mayImport(
  { place, house, packages }: Room,
  path: string,
  what: string,
  isTypeOnly: boolean,
): boolean {
  if (what.startsWith('.')) {
    const target = relative(ROOT, resolve(ROOT, dirname(path), what));
    // A file may import what its room may, and its room is the folder of its row.
    const own = place.endsWith('/') ? place : `${dirname(place)}/`;
    return [own, ...house].some((allowed) => target.startsWith(allowed));
  }
  return packages.some((allowed) => {
    if (allowed.startsWith('type ')) return isTypeOnly && what === allowed.slice('type '.length);
    return allowed === '' || what === allowed || (/[/:]$/.test(allowed) && what.startsWith(allowed));
  });
}

/** Names under which things are put that nobody has found a name for. */
const NAMELESS = /(^|[.-])(utils?|common|helpers?|types|misc|shared)(\.ts)?$/;

describe('the house', () => {
  it('has its rooms, and something in them', () => {
    const rooms = new Set(sources.map(({ path }) => path.slice(0, path.indexOf('/'))));
    for (const room of ['runtime', 'storage', 'examples']) expect(rooms).toContain(room);
    expect(sources.length).toBeGreaterThan(60);
  });

  it('imports only what its table allows', () => {
    expect(breaches(sources)).toEqual([]);
  });

  it('has no file or folder without a name of its own', () => {
    const nameless = filesBelow(ROOT)
      .concat(filesBelow(join(ROOT, 'tests')), filesBelow(join(ROOT, 'bench')))
      .filter((path) => path.split('/').some((part) => NAMELESS.test(part)));
    expect(nameless).toEqual([]);
  });
});

describe('a breach is noticed', () => {
  it.each([
    ['runtime/kernel/step.ts', "import { Codec } from '../../storage/codec.ts';"],
    ['runtime/kernel/step.ts', "import { Runtime } from '../runtime.ts';"],
    ['runtime/kernel/step.ts', "import fs from 'node:fs';"],
    ['runtime/kernel/step.ts', "import nodeTimers from 'node:timers';"],
    ['runtime/kernel/moment.ts', "import { createMachine } from 'xstate';"],
    ['runtime/commit.ts', "import { MemoryLevel } from 'memory-level';"],
    ['runtime/commit.ts', "import { Effect } from 'effect';"],
    ['runtime/commit.ts', "import { createServer } from 'node:http';"],
    ['runtime/commit.ts', "import { writer } from '../actors/agents/agent.ts';"],
    ['runtime/commit.ts', "  const later = await import('undici');"],
    ['runtime/commit.ts', "import 'node:net';"],
    ['storage/ledger.ts', "import type { Cell } from '../runtime/cell.ts';"],
    ['storage/ledger.ts', "import { createMachine } from 'xstate';"],
    ['storage/ledger.ts', "export { Effect } from 'effect/Effect';"],
    ['storage/ledger.ts', "import type {\n  Snapshot,\n} from 'xstate';"],
    ['machines/gate.ts', "import { readFileSync } from 'node:fs';"],
    ['actors/agents/agent.ts', "import { Runtime } from '../../runtime/runtime.ts';"],
    ['console/inspector/door.ts', "import { frameKey } from '../../storage/keys.ts';"],
    ['console/inspector/stream.ts', "import { Inspection } from '../../runtime/inspection.ts';"],
    ['runtime/inspection.ts', "import { inspector } from '../console/index.ts';"],
    ['runtime/inspection.ts', "import { WebSocketServer } from 'ws';"],
    ['console/control/server.ts', "import { leveldb } from '../../storage/index.ts';"],
    ['console/control/lines.ts', "import { widthOf } from '../cli/width.ts';"],
    ['console/cli/desk.ts', "import { Runtime } from '../../runtime/runtime.ts';"],
    ['examples/hello/main.ts', "import { createSystem } from '../../runtime/system.ts';"],
    ['shed/tools.ts', 'export {};'],
  ])('in %s: %s', (path, text) => {
    const told = breaches([{ path, text: `// A comment.\n${text}\n` }]);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(path);
  });

  it.each(['utils.ts', 'types.ts', 'helpers', 'string.util.ts', 'test-helper.ts', 'common'])(
    'in a name: %s',
    (name) => {
      expect(name).toMatch(NAMELESS);
    },
  );

  it('with its line, and what is allowed is not taken for one', () => {
    const text = [
      "/** Read with `import fs from 'node:fs'`. */",
      " * import x from 'anywhere';",
      "import type { Schedule } from 'effect';",
      "import * as Duration from 'effect/Duration';",
      "import { Ledger } from '../storage/ledger.ts';",
      "import { step } from './kernel/step.ts';",
      "import net from 'node:net';",
    ].join('\n');
    expect(breaches([{ path: 'runtime/commit.ts', text }])).toEqual([
      "runtime/commit.ts:7 imports 'node:net', which runtime/ may not",
    ]);
    const example = { path: 'examples/hello/main.ts', text: "import { createSystem } from 'heddle';" };
    expect(breaches([example])).toEqual([]);
  });
});
