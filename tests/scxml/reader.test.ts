// Hunts the lie that the reader understood a document: what it cannot express it must refuse, loudly and by name, at
// the latest when a run gets there.

import { describe, expect, it } from 'vitest';
import { createActor, SimulatedClock, type AnyMachineSnapshot } from 'xstate';
import { configurationOf } from './cases.ts';
import { readScxml, UnsupportedScxml } from './reader.ts';

const NAMESPACE = 'xmlns="http://www.w3.org/2005/07/scxml"';
const CHILD = `<content><scxml ${NAMESPACE}><final id="end"/></scxml></content>`;

function scxml(body: string, attributes = ''): string {
  return `<scxml ${NAMESPACE} ${attributes}>${body}</scxml>`;
}

/** Runs a document through some events and a second of time. */
function run(document: string, ...events: string[]): AnyMachineSnapshot {
  const clock = new SimulatedClock();
  const actor = createActor(readScxml(document), { clock, logger: () => {} });
  actor.subscribe({ error: () => {} });
  actor.start();
  for (const type of events) if (actor.getSnapshot().status === 'active') actor.send({ type });
  clock.increment(1000);
  return actor.getSnapshot();
}

/** A state `a` that does something when it is entered. */
function onEntry(content: string, data = ''): string {
  return scxml(`<datamodel>${data}</datamodel><state id="a"><onentry>${content}</onentry></state>`);
}

describe('a document that has no form in XState is refused while it is read', () => {
  it.each<[situation: string, document: string, reason: RegExp]>([
    ['another language', '<html/>', /<html>.*not an SCXML document/],
    ['another datamodel', scxml('', 'datamodel="xpath"'), /<scxml>.*datamodel "xpath"/],
    [
      'an unknown element',
      scxml('<state id="a"><sate id="b"/></state>'),
      /<sate>.*no meaning inside <state>/,
    ],
    ['an unknown attribute', scxml('<state id="a" inital="b"/>'), /<state>.*unknown attribute "inital"/],
    ['a foreign action', onEntry('<x:do xmlns:x="urn:x"/>'), /<do>.*no meaning inside <onentry>/],
    [
      'a target that is not there',
      scxml('<state id="a"><transition target="b"/></state>'),
      /unknown state "b"/,
    ],
    ['two states of one name', scxml('<state id="a"/><state id="a"/>'), /repeats the id "a"/],
    ['an id JavaScript would reorder', scxml('<state id="b"/><state id="1"/>'), /the id "1"/],
    ['XML as a value', onEntry('', '<data id="d"><p xmlns="">x</p></data>'), /<data>.*DOM/],
    ['a file that was not given', scxml('<script src="far.js"/><state id="a"/>'), /"far.js".*not given/],
    [
      'a delayed internal event',
      onEntry('<send event="e" target="#_internal" delay="1s"/>'),
      /<send>.*delays/,
    ],
    ['an invocation of something else', scxml('<state id="a"><invoke type="vxml"/></state>'), /"vxml"/],
    [
      'a body sent by HTTP',
      onEntry(
        '<send event="e" type="http://www.w3.org/TR/scxml/#BasicHTTPEventProcessor" namelist="d"/>',
        '<data id="d"/>',
      ),
      /<send>.*HTTP/,
    ],
    [
      'two values under one name',
      onEntry('<send event="e"><param name="p" expr="1"/><param name="p" expr="2"/></send>'),
      /two values to one name/,
    ],
    [
      'autoforward beside parallel regions',
      scxml(`<parallel id="p"><state id="a"><invoke autoforward="true">${CHILD}</invoke></state></parallel>`),
      /<invoke>.*forwards.*parallel/,
    ],
    [
      'a deep initial state inside a region',
      scxml(
        '<parallel id="p"><state id="a" initial="c"><state id="b"><state id="c"/></state></state></parallel>',
      ),
      /<state>.*two steps.*parallel/,
    ],
  ])('%s', (_, document, reason) => {
    const refusal = refusalOf(document);
    expect(refusal).toBeInstanceOf(UnsupportedScxml);
    expect(String(refusal)).toMatch(reason);
  });

  function refusalOf(document: string): unknown {
    try {
      return readScxml(document);
    } catch (error) {
      return error;
    }
  }
});

describe('what only shows while running stops the machine', () => {
  it.each<[situation: string, document: string, reason: RegExp]>([
    ['an expression that reads the clock', onEntry('<log expr="Date.now()"/>'), /reads Date/],
    ['an expression that throws dice', onEntry('<log expr="Math.random()"/>'), /reads Math.random/],
    [
      'a function with a memory of its own',
      onEntry(
        '<assign location="f" expr="(function () { var n = 0; return function () { return ++n } })()"/>',
        '<data id="f"/>',
      ),
      /only a function literal/,
    ],
    ['an object that is more than data', onEntry('', '<data id="m" expr="new Map()"/>'), /instance of Map/],
    [
      'an object that contains itself',
      onEntry('<script>o = {}; o.o = o;</script>', '<data id="o"/>'),
      /cyclic object/,
    ],
    [
      'a cond whose failure nobody can report',
      scxml('<state id="a"><transition event="e" cond="_event.data.x" target="a"/></state>'),
      /<transition>.*cond that failed/,
    ],
    [
      'a child that was stopped by one of these, even where * takes every event',
      scxml(
        `<state id="a"><invoke><content>${onEntry('<log expr="Date.now()"/>')}</content></invoke>
         <transition event="*" target="b"/></state><state id="b"/>`,
      ),
      /reads Date/,
    ],
  ])('%s', (_, document, reason) => {
    const { status, error } = run(document, 'e');
    expect(status).toBe('error');
    expect(String(error)).toMatch(reason);
  });
});

describe('where the two languages differ the machine follows SCXML', () => {
  it.each<[situation: string, document: string, events: string[], configuration: string[]]>([
    [
      'a general transition before a special one is taken',
      scxml(
        `<state id="a"><transition event="e" target="b"/><transition event="e.f" target="c"/></state>
         <state id="b"/><state id="c"/>`,
      ),
      ['e.f.g'],
      ['b'],
    ],
    [
      'the completion of a state is an event like any other',
      scxml(
        `<state id="s.1"><final id="f"/><transition event="done.state.s" target="b"/></state>
         <state id="b"/>`,
      ),
      [],
      ['b'],
    ],
    [
      'a failed cond is false, and an error for whoever listens',
      scxml(
        `<state id="a"><transition event="e" cond="no.such" target="x"/><transition event="e" target="b"/></state>
         <state id="b"><transition event="error.execution" target="c"/></state><state id="c"/><state id="x"/>`,
      ),
      ['e'],
      ['c'],
    ],
    [
      'an error ends its block and leaves the next one alone',
      scxml(
        `<datamodel><data id="n" expr="0"/></datamodel>
         <state id="a"><onentry><log expr="no.such"/><assign location="n" expr="n + 1"/></onentry>
           <onentry><assign location="n" expr="n + 10"/></onentry>
           <transition cond="n === 10" target="b"/></state><state id="b"/>`,
      ),
      [],
      ['b'],
    ],
    [
      'an internal transition of an atomic state leaves it',
      scxml(
        `<datamodel><data id="n" expr="0"/></datamodel>
         <state id="a"><onexit><assign location="n" expr="n + 1"/></onexit>
           <transition event="e" type="internal" target="a"/>
           <transition event="f" cond="n === 1" target="b"/></state><state id="b"/>`,
      ),
      ['e', 'f'],
      ['b'],
    ],
    [
      'a script declares, exports and leaks into the datamodel only',
      scxml(
        `<script>var v = 1; let l = 2; leaked = 3; function sum() { return v + l + leaked }</script>
         <state id="a"><transition cond="sum() === 6" target="b"/><transition target="x"/></state>
         <state id="b"/><state id="x"/>`,
      ),
      [],
      ['b'],
    ],
    [
      'a variable that takes over event data owns it',
      scxml(
        `<datamodel><data id="d"/></datamodel>
         <state id="a"><onentry><raise event="go"/><send event="e"><content>{"n": 1}</content></send></onentry>
           <transition event="e" target="b">
             <assign location="d" expr="_event.data"/><assign location="d.n" expr="d.n + 1"/></transition></state>
         <state id="b"><transition cond="d.n === 2" target="c"/></state><state id="c"/>`,
      ),
      [],
      ['c'],
    ],
  ])('%s', (_, document, events, configuration) => {
    const snapshot = run(document, ...events);
    expect(snapshot.error).toBeUndefined();
    expect(configurationOf(snapshot)).toEqual(configuration);
  });

  it('keeps what a script leaks out of the real global object', () => {
    run(scxml('<script>leakedIntoTheWorld = 1</script><state id="a"/>'));
    expect('leakedIntoTheWorld' in globalThis).toBe(false);
  });
});
