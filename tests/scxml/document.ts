// What must be known of a whole document before any part of it can be translated.

import type { AnyStateMachine } from 'xstate';
import { xstateId } from './events.ts';
import { checkGrammar } from './grammar.ts';
import type { Step } from './run.ts';
import { UnsupportedScxml } from './unsupported.ts';
import { childrenNamed, type XmlElement } from './xml.ts';

/** Where a document finds other documents and texts. */
export interface DocumentSources {
  /** The texts that `src` attributes may refer to, by file name. */
  readonly files: Readonly<Record<string, string>>;
  readonly readMachine: (root: XmlElement) => AnyStateMachine;
  readonly readFile: (name: string, invoke: XmlElement) => AnyStateMachine;
}

export interface ScxmlDocument extends DocumentSources {
  readonly root: XmlElement;
  /** `_name`. */
  readonly name: string | undefined;
  readonly states: ReadonlyMap<string, StateFacts>;
  readonly ids: ReadonlyMap<XmlElement, string>;
  readonly invocations: ReadonlyMap<XmlElement, Invocation>;
  /** Every <data>, at the top or inside a state, in document order. */
  readonly data: readonly XmlElement[];
  /** Their ids. */
  readonly declared: ReadonlySet<string>;
  readonly bindsLate: boolean;
  /** True if expressions ask for the active states in a way XState's own `stateIn` cannot answer. */
  readonly tracksStates: boolean;
  /** True if events are looked at before a transition takes them: <finalize> or autoforward. */
  readonly intercepts: boolean;
  /** The machines this document can invoke; they become `implementations.actors`. */
  readonly actors: Map<string, AnyStateMachine>;
  /** The <finalize> blocks, by invoke id. */
  readonly finalizers: Map<string, Finalizer>;
}

export interface StateFacts {
  readonly element: XmlElement;
  readonly parent: string | undefined;
}

export interface Invocation {
  readonly id: string;
  readonly state: string;
  readonly autoforward: boolean;
}

export interface Finalizer {
  readonly state: string;
  readonly steps: readonly Step[];
}

export function surveyDocument(root: XmlElement, sources: DocumentSources): ScxmlDocument {
  requireSupported(root);
  const elements = [...ownElements(root)];
  const data = elements.filter(({ name }) => name === 'data');
  const found: Found = { ids: new Map(), states: new Map(), invocations: new Map() };
  collectStates(root, undefined, found);
  return {
    root,
    name: root.attributes['name'],
    ...sources,
    ...found,
    data,
    declared: new Set(data.map(({ attributes }) => attributes['id'] ?? '')),
    bindsLate: root.attributes['binding'] === 'late',
    tracksStates: elements.some((element) => isInterceptor(element) || asksForStates(element)),
    intercepts: elements.some(isInterceptor),
    actors: new Map(),
    finalizers: new Map(),
  };
}

/** The child elements that are states in the configuration: all but history. */
export function childStates(element: XmlElement): XmlElement[] {
  return childrenNamed(element, 'state', 'parallel', 'final');
}

/** The child elements that are state nodes in XState's sense: with history. */
export function childStateNodes(element: XmlElement): XmlElement[] {
  return childrenNamed(element, 'state', 'parallel', 'final', 'history');
}

export function idOf(doc: ScxmlDocument, element: XmlElement): string {
  const id = doc.ids.get(element);
  if (id === undefined) throw new UnsupportedScxml(element, 'is not a state');
  return id;
}

export function isDescendant(doc: ScxmlDocument, id: string, ancestor: string): boolean {
  for (
    let parent = doc.states.get(id)?.parent;
    parent !== undefined;
    parent = doc.states.get(parent)?.parent
  ) {
    if (parent === ancestor) return true;
  }
  return false;
}

/** A state next to others: while it is between two configurations the others are awake. */
export function isInRegion(doc: ScxmlDocument, id: string | undefined): boolean {
  for (let state = id; state !== undefined; state = doc.states.get(state)?.parent) {
    if (doc.states.get(state)?.element.name === 'parallel') return true;
  }
  return false;
}

export function requireStates(doc: ScxmlDocument, element: XmlElement, ids: readonly string[]): void {
  const missing = ids.find((id) => !doc.states.has(id));
  if (missing !== undefined) throw new UnsupportedScxml(element, `refers to the unknown state "${missing}"`);
}

export function targetOf(id: string): string {
  return `#${xstateId(id)}`;
}

/** `In('x')` or `!In('x')` and nothing else: what XState's `stateIn` says by itself. */
export const PLAIN_IN = /^\s*(!?)\s*In\(\s*(['"])([^'"]+)\2\s*\)\s*$/;

/** `file:child.scxml`, `./child.scxml` and `child.scxml` name the same file of a case. */
export function fileName(source: string): string {
  return source.replace(/^file:/, '').replace(/^\.\//, '');
}

export function fileText(doc: ScxmlDocument, element: XmlElement, source: string): string {
  const text = doc.files[fileName(source)];
  if (text === undefined) throw new UnsupportedScxml(element, `refers to "${source}", which was not given`);
  return text;
}

function requireSupported(root: XmlElement): void {
  if (root.name !== 'scxml') throw new UnsupportedScxml(root, 'is not an SCXML document');
  checkGrammar(root);
  const datamodel = root.attributes['datamodel'] ?? 'ecmascript';
  if (datamodel !== 'ecmascript' && datamodel !== 'null') {
    throw new UnsupportedScxml(root, `has the datamodel "${datamodel}"`);
  }
}

interface Found {
  readonly ids: Map<XmlElement, string>;
  readonly states: Map<string, StateFacts>;
  readonly invocations: Map<XmlElement, Invocation>;
}

function collectStates(element: XmlElement, parent: string | undefined, found: Found): void {
  const { ids, states, invocations } = found;
  for (const child of childStateNodes(element)) {
    const id = child.attributes['id'] ?? `(${child.name} ${states.size})`;
    if (states.has(id)) throw new UnsupportedScxml(child, `repeats the id "${id}"`);
    // JavaScript would put a number before its elder brothers, and a colon stands for a dot in XState's ids.
    if (/^\d+$|:/.test(id)) throw new UnsupportedScxml(child, `has the id "${id}", which is not an XML id`);
    ids.set(child, id);
    states.set(id, { element: child, parent });
    childrenNamed(child, 'invoke').forEach((invoke, index) => {
      invocations.set(invoke, {
        id: invoke.attributes['id'] ?? `${id}.${index}`,
        state: id,
        autoforward: invoke.attributes['autoforward'] === 'true',
      });
    });
    collectStates(child, id, found);
  }
}

/** Every element of this document, leaving out documents inside it. */
function* ownElements(element: XmlElement): Generator<XmlElement> {
  for (const child of element.children) {
    if (child.foreign || child.name === 'scxml') continue;
    yield child;
    yield* ownElements(child);
  }
}

function isInterceptor(element: XmlElement): boolean {
  return element.name === 'finalize' || element.attributes['autoforward'] === 'true';
}

function asksForStates(element: XmlElement): boolean {
  if (element.name === 'transition' && PLAIN_IN.test(element.attributes['cond'] ?? '')) return false;
  return [element.text, ...Object.values(element.attributes)].some((text) => /\bIn\s*\(/.test(text));
}
