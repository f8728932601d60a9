// The lie: "a gate whose times are working time reminds, escalates and ends when people work, wherever the machine dies, and whatever
// becomes of the rules of time zones meanwhile". Runs in virtual time, killed in between, under rules that change.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { diffOf, gate, workflow, workflowFrom } from 'heddle/actors';
import type { WorkingCalendar } from 'heddle/actors';
import { zoneRules } from '../../machines/working-time/zone.ts';
import { fingerprintOf } from '../../runtime/kernel/fingerprint.ts';
import { endOf, everybodyMay, snapshotOf, staffed } from './staffed.ts';
import type { Staffed } from './staffed.ts';

vi.mock(import('../../machines/working-time/zone.ts'), async (original) => {
  const real = await original();
  return { ...real, zoneRules: vi.fn(real.zoneRules) };
});
const rulesOfZones = vi.mocked(zoneRules);
const realRules = rulesOfZones.getMockImplementation()!;
beforeEach(() => void rulesOfZones.mockReset().mockImplementation(realRules));

const HOUR_MS = 3_600_000;
const WORK = ['09:00-12:00', '13:00-17:00'];
const ZURICH: WorkingCalendar = {
  zone: 'Europe/Zurich',
  hours: { mon: WORK, tue: WORK, wed: WORK, thu: WORK, fri: WORK },
  holidays: ['2030-01-01', '2030-01-02'],
};
const TIMES = {
  role: 'editor',
  remind: ['2 hours'],
  within: '8 hours',
  escalateTo: 'boss',
  escalatedWithin: '7 hours',
} as const;
const paper = workflow({ id: 'paper', calendar: ZURICH, tasks: { review: gate(TIMES) } });
const ID = 'paper/1/review';

/** It begins on a Tuesday, the first of January 2030, at midnight in UTC. */
async function begun(onEmit: (type: string) => void = () => {}): Promise<Staffed> {
  const opened = await staffed({ paper }, { decider: everybodyMay, onEmit: ({ type }) => onEmit(type) });
  await opened.system.start('paper', { id: '1', input: { text: 'x' } });
  await opened.settle();
  return opened;
}

const crashed = async (opened: Staffed): Promise<Staffed> => (await opened.crash()) as unknown as Staffed;

describe('a gate with a calendar', () => {
  it('climbs its ladder when people work, though the machine dies all the time', async () => {
    const heard: string[] = [];
    const at = (): string => new Date(opened.clock.now()).toISOString().slice(0, 13);
    let opened = await begun((type) => type !== 'review.opened' && heard.push(`${at()} ${type}`));
    for (let hour = 0; hour < 7 * 24; hour += 6) {
      await opened.advance(6 * HOUR_MS);
      opened = await crashed(opened);
    }
    // In Zurich it is an hour later; Wednesday is a holiday too, and on Saturday and Sunday nobody works.
    const told = ['2030-01-03T10 review.reminded', '2030-01-04T09 review.escalated'];
    expect([...new Set(heard)]).toEqual([...told, '2030-01-07T09 review.decided']);
    expect(snapshotOf(opened, 'paper/1')).toMatchObject({ status: 'error' });
    expect(snapshotOf(opened, ID)).toMatchObject({ output: { verdict: 'expired', approvals: [] } });
    expect((await opened.system.replay(ID)).difference).toBeUndefined();
  });

  it('shows reviewers the instant, and the calendar', async () => {
    const { system } = await begun();
    const next = { at: Date.UTC(2030, 0, 3, 10), act: 'remind' };
    expect(system.reviews.get(ID)).toMatchObject({ next, calendar: ZURICH });
    expect((await system.reviews.context(ID)).consequences.deadline).toEqual(next);
  });

  it('keeps to the instants that it has told, when the rules of its zone change', async () => {
    let opened = await begun();
    const { next } = opened.system.reviews.get(ID)!;
    expect(rulesOfZones).toHaveBeenCalledWith('Europe/Zurich', Date.UTC(2030, 0, 1));
    const asked = rulesOfZones.mock.calls.length;
    // Zurich moves to the other side of the earth.
    rulesOfZones.mockImplementation((name) => ({ name, since: 0, offsetMs: 12 * HOUR_MS, changes: [] }));
    opened = await crashed(opened);
    expect(opened.system.reviews.get(ID)!.next).toEqual(next);
    expect((await opened.system.replay(ID)).difference).toBeUndefined();
    expect((await opened.system.replay('paper/1')).difference).toBeUndefined();
    await opened.advance(next!.at - opened.clock.now());
    expect(snapshotOf(opened, ID)).toMatchObject({ context: { climbed: 1 } });
    expect(rulesOfZones.mock.calls.length).toBe(asked);
    // Those that are opened from now on go by the new rules: at 21:00 in UTC it is the next day, 09:00.
    await opened.system.start('paper', { id: '2', input: { text: 'y' } });
    await opened.settle();
    const { at } = opened.system.reviews.get('paper/2/review')!.next!;
    expect(at).toBe(Date.UTC(2030, 0, 3, 21) + 2 * HOUR_MS);
  });

  it('fails where its zone is not known any more: nobody waits for what is never due', async () => {
    rulesOfZones.mockReturnValue(undefined);
    const opened = await begun();
    const { status, error } = endOf(opened, ID);
    expect([status, error.message]).toEqual(['error', 'the time zone Europe/Zurich is not known here']);
    expect(endOf(opened, 'paper/1').status).toBe('error');
  });
});

describe('a calendar', () => {
  const withCalendar = (calendar: object | undefined, own?: object) =>
    workflow({
      id: 'paper',
      ...(calendar && { calendar: calendar as never }),
      tasks: { review: gate({ ...TIMES, ...own }) },
    });

  it('is part of what a workflow is', () => {
    const others = [
      withCalendar(undefined),
      withCalendar({ ...ZURICH, zone: 'Europe/Berlin' }),
      withCalendar({ ...ZURICH, holidays: [] }),
      withCalendar({ ...ZURICH, hours: { ...ZURICH.hours, sat: WORK } }),
      withCalendar(ZURICH, { calendar: false }),
    ].map((one) => fingerprintOf(one).hash);
    const { hash } = fingerprintOf(paper);
    expect(others).not.toContain(hash);
    expect(new Set(others.slice(1, 4)).size).toBe(3);
    // Wherever it stands.
    expect(fingerprintOf(withCalendar(ZURICH)).hash).toBe(hash);
    expect(fingerprintOf(withCalendar(undefined, { calendar: false })).hash).not.toBe(hash);
  });

  it('stands in a file, and is compared with that of another', () => {
    const text = `
id: paper
calendar:
  zone: Europe/Zurich
  hours: { mon: [09:00-12:00, 13:00-17:00], sat: [] }
  holidays: [2030-01-01]
tasks:
  review: { kind: gate, role: editor, within: 8 hours }
  print: { kind: gate, role: editor, within: 2 days, calendar: false }
`;
    expect(() => workflowFrom(text)).not.toThrow();
    expect(String(diffOf(text, text.replace('2030-01-01', '2030-01-02')))).toContain('2030-01-02');
    const wrong = text.replace('09:00-12:00', '22:00-06:00').replace(', calendar: false', '');
    expect(() => workflowFrom(wrong)).toThrow(/5.*#\/calendar\/hours\/mon\/0 must end after they begin/s);
  });
});
