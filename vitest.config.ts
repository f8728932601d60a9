import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The tests run the source, not the build: `heddle` means the same files as `../runtime/index.ts`.
  resolve: { conditions: ['heddle-source'] },
  ssr: { resolve: { conditions: ['heddle-source'], externalConditions: ['heddle-source'] } },
  test: {
    include: ['{storage,runtime,machines,actors,console,tests,examples}/**/*.test.ts'],
    testTimeout: 30_000,
    pool: 'forks',
    // Much of the time is spent waiting for processes of the tests' own.
    maxWorkers: 2,
  },
});
