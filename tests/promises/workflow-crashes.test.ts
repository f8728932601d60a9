// The lie: "a run is the same, whenever the system dies".
import { describe, expect, it } from 'vitest';
import { play } from '../orchestration/story.ts';

/** Which of its commits it is killed after. */
const EVERY = 9;

describe('a run', () => {
  it('does its work, and nothing twice', async () => {
    const { outcome, violations, deaths } = await play('approve', () => false);
    expect([violations, deaths]).toEqual([[], 0]);
    expect(outcome).toMatchInlineSnapshot(`
      {
        "done": [
          "book for book",
          "flaky for check",
          "list for list",
          "publish for publish",
          "refine for refine/1",
          "refine for refine/2",
          "refine for refine/3",
          "write for chapters/0",
          "write for chapters/1",
          "write for chapters/2",
        ],
        "nodes": [
          "list complete 10000",
          "book complete 10000",
          "size complete 0",
          "nothing skipped 0",
          "chapters complete 30000",
          "check complete 12000",
          "refine complete 30000",
          "review complete 0",
          "publish complete 10000",
        ],
        "standing": [
          "complete",
          "done",
          {
            "book": {
              "booked": true,
            },
            "publish": {
              "published": [
                "about a",
                "about b",
                "about c",
              ],
            },
          },
          undefined,
        ],
        "waiting": [
          "report/1/review",
        ],
      }
    `);
  });

  it('undoes what is to be undone when a person refuses', async () => {
    const { outcome, violations } = await play('reject', () => false);
    expect(violations).toEqual([]);
    expect(outcome).toMatchInlineSnapshot(`
      {
        "done": [
          "book for book",
          "flaky for check",
          "list for list",
          "refine for refine/1",
          "refine for refine/2",
          "refine for refine/3",
          "unbook for undo book",
          "write for chapters/0",
          "write for chapters/1",
          "write for chapters/2",
        ],
        "nodes": [
          "list complete 10000",
          "book compensated 10000",
          "size complete 0",
          "nothing skipped 0",
          "chapters complete 30000",
          "check complete 12000",
          "refine complete 30000",
          "review failed 0",
          "publish cancelled 0",
        ],
        "standing": [
          "failed",
          "error",
          undefined,
          {
            "by": "ada",
            "class": "rejected",
            "message": "review: ada has rejected it: because",
            "node": "review",
            "run": "report/1",
            "workflow": "report",
          },
        ],
        "waiting": [
          "report/1/review",
        ],
      }
    `);
  });

  it.each(['approve', 'reject'] as const)('is the same, whenever the system dies (%s)', async (verdict) => {
    const calm = await play(verdict, () => false);
    let deaths = 0;
    // All of them: npm run ring -- orchestration
    for (let at = 1; at <= calm.commits; at += EVERY) {
      const told = await play(verdict, (_life, all) => all === at);
      expect([at, told.violations, told.outcome]).toEqual([at, [], calm.outcome]);
      deaths += told.deaths;
    }
    expect(deaths).toBe(Math.ceil(calm.commits / EVERY));
  });

  it.each([
    [7, 1],
    [4, 1000],
    [2, 1000],
  ])(
    'is the same, if it dies in every commit no. %i of its life, %i turns a commit',
    async (every, turns) => {
      const calm = await play('approve', () => false, turns);
      const told = await play('approve', (ofLife) => ofLife === every, turns);
      expect([told.violations, told.outcome]).toEqual([[], calm.outcome]);
      expect(told.deaths).toBeGreaterThan(3);
    },
  );
});
