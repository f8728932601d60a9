// The lie: "our supervisors do what OTP's do". Plays what was recorded of real OTP with our own decisions, in different orders
// of delivery, and makes sure that it would notice other rules. The ring `otp` asks OTP itself, where Erlang is installed.
import { describe, expect, it } from 'vitest';
import { Prng } from '../../runtime/testing/prng.ts';
import { featuresOf, FEATURES, isWith } from './features.ts';
import type { Feature } from './features.ts';
import { readRecorded } from './recorded.ts';
import type { Recorded } from './recorded.ts';
import { describeDifference, formatLog, formatScript, parseScript, randomScript } from './scripts.ts';
import type { Child, OtpStrategy, Script, Tree } from './scripts.ts';
import { play } from './world.ts';

const SHOWN = 3;
const RECORDED_AT_LEAST = 600;
const SHOWN_AT_LEAST = 30;

const recorded = readRecorded().map((one) => ({ ...one, features: featuresOf(one.script, one.log) }));
const showing = (...features: Feature[]) =>
  recorded.filter((one) => features.some((feature) => one.features.has(feature)));

/** The first few scripts in which we differ, readable; undefined if there are none. */
function differences(scripts: readonly Recorded[]): string | undefined {
  const found = scripts
    .map(
      ({ script, log }, index) =>
        describeDifference(script, log, play(script)) ??
        describeDifference(script, log, play(script, new Prng(index))),
    )
    .filter((difference) => difference !== undefined);
  return found.length === 0 ? undefined : found.slice(0, SHOWN).join('\n\n');
}

describe('the recorded scripts of OTP', () => {
  it.each<OtpStrategy>(['one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'])(
    'come out the same with %s',
    (strategy) => {
      expect(differences(recorded.filter(({ script }) => isWith(strategy, script)))).toBeUndefined();
    },
  );

  it('come out the same when a supervisor gives up, and those above it', () => {
    expect(differences(showing('gave up', 'escalation'))).toBeUndefined();
  });

  it('come out the same when starts fail', () => {
    expect(differences(showing('failing start'))).toBeUndefined();
  });

  it('come out the same when more happens in the middle of a restart', () => {
    const interrupted = showing('failure during a restart', 'request during a restart');
    expect(differences(interrupted)).toBeUndefined();
  });

  it('come out the same when significant children end', () => {
    const ended = showing('automatic shutdown by any', 'automatic shutdown by all');
    expect(differences(ended)).toBeUndefined();
  });

  it('show everything that a supervisor does, often', () => {
    expect(recorded.length).toBeGreaterThanOrEqual(RECORDED_AT_LEAST);
    for (const feature of FEATURES)
      expect([feature, showing(feature).length >= SHOWN_AT_LEAST]).toEqual([feature, true]);
  });
});

/** Rules that are not OTP's. */
const OTHER_RULES: Readonly<Record<string, (script: Script) => Script>> = {
  'one restart more': everywhere((tree) => ({ ...tree, intensity: tree.intensity + 1 })),
  'one restart less': everywhere((tree) => ({ ...tree, intensity: Math.max(0, tree.intensity - 1) })),
  'all instead of the rest': everywhere((tree) =>
    tree.strategy === 'rest_for_one' ? { ...tree, strategy: 'one_for_all' } : tree,
  ),
  'the rest instead of one': everywhere((tree) =>
    tree.strategy === 'one_for_one' ? { ...tree, strategy: 'rest_for_one' } : tree,
  ),
  'any instead of all': everywhere((tree) =>
    tree.autoShutdown === 'all_significant' ? { ...tree, autoShutdown: 'any_significant' } : tree,
  ),
  'the opposite order': everywhere((tree) => ({ ...tree, children: tree.children.toReversed() })),
  'transient is permanent': everyChild((child) =>
    child.restart === 'transient' ? { ...child, restart: 'permanent', significant: false } : child,
  ),
  'temporary is transient': everyChild((child) =>
    child.restart === 'temporary' ? { ...child, restart: 'transient' } : child,
  ),
  'nobody is significant': everyChild((child) => ({ ...child, significant: false })),
};

function everywhere(change: (tree: Tree) => Tree): (script: Script) => Script {
  const inTree = (tree: Tree): Tree => ({ ...change(tree), children: change(tree).children.map(inChild) });
  const inChild = (child: Child): Child =>
    child.supervisor === undefined ? child : { ...child, supervisor: inTree(child.supervisor) };
  return (script) => ({ ...script, tree: inTree(script.tree) });
}

function everyChild(change: (child: Child) => Child): (script: Script) => Script {
  return everywhere((tree) => ({ ...tree, children: tree.children.map(change) }));
}

describe('the judge', () => {
  it.each(Object.entries(OTHER_RULES))('notices %s', (_, change) => {
    const noticed = recorded.filter(({ script, log }) => formatLog(play(change(script))) !== formatLog(log));
    expect(noticed.length).toBeGreaterThan(SHOWN_AT_LEAST);
  });
});

describe('a script', () => {
  it('is the same after it was written down', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const script = randomScript(seed);
      expect(parseScript(formatScript(script))).toEqual(script);
    }
  });
});
