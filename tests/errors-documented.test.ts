// The lie: "every error has a heading in docs/errors.md". The exports of the package are held against the page.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as heddle from 'heddle';
import { NotPermitted } from 'heddle';
import * as actors from 'heddle/actors';
import * as heddleConsole from 'heddle/console';
import * as storage from 'heddle/storage';

const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
);

const classes = Object.entries({ ...storage, ...heddle, ...actors, ...heddleConsole }).filter(
  ([, value]) => typeof value === 'function' && value.prototype instanceof heddle.HeddleError,
) as unknown as [name: string, type: new (...args: never[]) => heddle.HeddleError][];

describe('docs/errors.md', () => {
  it('has a section for each error of the package, and no other', () => {
    expect(classes.length).toBeGreaterThan(15);
    expect([...sections.keys()].toSorted()).toEqual(classes.map(([name]) => name).toSorted());
  });

  it.each(classes)('says the code, the fields and the way out of %s', (name, type) => {
    const error = anyOf(type);
    const section = sections.get(name)!;
    expect(section).toContain(`\`${error.code}\` · ${error.retryable ? 'retryable' : 'not retryable'}`);
    for (const field of Object.keys(error)) {
      if (!['_tag', 'code', 'retryable'].includes(field)) expect(section).toContain(`\`${field}\``);
    }
    for (const part of ['**What happened.**', '**What was kept.**', '**What to do.**'])
      expect(section).toContain(part);
  });
});

const REQUEST = { principal: { type: '', id: '' }, action: { name: '' }, resource: { type: '', id: '' } };
const REFUSAL = { effect: 'deny', determining: [], reasons: [], obligations: [] } as const;

/** An error of the class, made from whatever: its fields are what counts. */
function anyOf(type: new (...args: never[]) => heddle.HeddleError): heddle.HeddleError {
  if (type === NotPermitted) return new NotPermitted(REQUEST, REFUSAL);
  if (type === actors.InvalidRoles) return new actors.InvalidRoles([]);
  return new type(...([{}, [], {}, {}, {}] as never[]));
}
