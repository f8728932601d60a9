import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

const ROOMS = '{actors,console,examples,machines,runtime,storage,tests}';

/** Those put modules of their own in the place of others, which nobody else may see. */
const APART = [
  'runtime/clock.test.ts',
  'storage/anchor.test.ts',
  'storage/lock.test.ts',
  'tests/promises/working-time.test.ts',
];

/** Long files are begun first, for they take long as a rule; but these are short and take longest, for they start processes. */
const LONGEST = /\/(rings|examples\/[a-z]+|console)\/[a-z]+\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  // The tests run the source, not the build: `heddle` means the same files as `../runtime/index.ts`.
  resolve: { conditions: ['heddle-source'] },
  ssr: { resolve: { conditions: ['heddle-source'], externalConditions: ['heddle-source'] } },
  test: {
    testTimeout: 30_000,
    pool: 'forks',
    // Much of the time is spent waiting for processes of the tests' own.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      // To load everything anew for each file took a fifth of the time. So what they change they put back: with `onTestFinished`, not
      // with an `afterEach` in a module that several share, which would hear of the first file only.
      {
        extends: true,
        test: { name: 'together', include: [`${ROOMS}/**/*.test.ts`], exclude: APART, isolate: false },
      },
      { extends: true, test: { name: 'apart', include: APART } },
    ],
  },
});
