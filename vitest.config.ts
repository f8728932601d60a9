import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The tests run the source, not the build: `heddle` means the same files as `../runtime/index.ts`.
  resolve: { conditions: ['heddle-source'] },
  ssr: { resolve: { conditions: ['heddle-source'], externalConditions: ['heddle-source'] } },
  test: {
    testTimeout: 30_000,
    pool: 'forks',
    // Much of the time is spent waiting for processes of the tests' own.
    maxWorkers: 2,
    projects: [
      // Those need no process of their own each: they change nothing that others would see.
      {
        extends: true,
        test: { name: 'together', include: ['{machines,actors}/**/*.test.ts'], isolate: false },
      },
      {
        extends: true,
        test: { name: 'apart', include: ['{storage,runtime,console,tests,examples}/**/*.test.ts'] },
      },
    ],
  },
});
