// <invoke>: a document started as a child actor.
//
// An invocation whose parts are all written out becomes an XState `invoke`. One with parts that are computed may
// turn out to be impossible, and then SCXML wants an error event and no child; an XState `invoke` cannot decline.
// So it becomes what an XState `invoke` is made of: spawn on entry, stop on exit.

import type { AnyInvokeConfig } from 'xstate';
import { attributeOrExpression, compilePairs, registerDocument } from './content.ts';
import { compileAssignment, compileExpression, type Expression } from './datamodel.ts';
import { fileName, fileText, type Invocation, type ScxmlDocument } from './document.ts';
import { compileSteps } from './executable.ts';
import { blaming, block, ExecutionFailure, type BlockAction } from './run.ts';
import { childSessionId, type InvokeInput, type ScxmlContext, type Session } from './session.ts';
import { UnsupportedScxml } from './unsupported.ts';
import { toMessage } from './values.ts';
import { childrenNamed, type XmlElement } from './xml.ts';

/** What an <invoke> adds to its state: an XState `invoke`, or the last of its entry and exit actions. */
export interface InvokeParts {
  readonly invoke?: AnyInvokeConfig;
  readonly entry?: BlockAction;
  readonly exit?: BlockAction;
}

const SCXML_TYPES = new Set<unknown>(['scxml', 'http://www.w3.org/TR/scxml', 'http://www.w3.org/TR/scxml/']);

export function compileInvoke(doc: ScxmlDocument, element: XmlElement): InvokeParts {
  const invocation = doc.invocations.get(element);
  if (!invocation) throw new UnsupportedScxml(element, 'is not inside a state');
  requireSupported(doc, element, invocation);
  readFinalizer(doc, element, invocation);
  const src = staticSource(doc, element);
  const computed = ['typeexpr', 'namelist', 'idlocation'].some((name) => name in element.attributes);
  return src === undefined || computed || childrenNamed(element, 'param').length > 0
    ? spawned(doc, element, invocation, src)
    : { invoke: { id: invocation.id, src, input: ({ context }) => inputFor(context, invocation.id, {}) } };
}

function spawned(
  doc: ScxmlDocument,
  element: XmlElement,
  { id }: Invocation,
  src: string | undefined,
): InvokeParts {
  const { idlocation } = element.attributes;
  const typeOf = attributeOrExpression(element, 'type');
  const assignId = idlocation === undefined ? undefined : compileAssignment(idlocation);
  const pairsOf = compilePairs(element);
  const sourceOf: Expression = src === undefined ? dynamicSource(doc, element) : () => src;

  const start = blaming(element, (run) => {
    const { scope, session } = run;
    assignId?.(scope, id);
    const type = typeOf?.(scope);
    if (type !== undefined && !SCXML_TYPES.has(type)) {
      throw new ExecutionFailure(element, `cannot invoke something of type ${JSON.stringify(type)}`);
    }
    const source = fileName(String(sourceOf(scope)));
    if (source.trimStart().startsWith('<')) {
      throw new UnsupportedScxml(element, 'invokes a document that was written while running');
    }
    if (!doc.actors.has(source)) throw new ExecutionFailure(element, `there is no document ${source}`);
    const data = toMessage(pairsOf?.(scope) ?? {}) as ScxmlContext['data'];
    const input = inputFor({ session }, id, data);
    run.effects.push((enqueue) => enqueue.spawnChild(source, { id, input }));
  });
  const stop = blaming(element, ({ effects }) => void effects.push((enqueue) => enqueue.stopChild(id)));
  return { entry: block(doc, [start]), exit: block(doc, [stop]) };
}

function inputFor(
  { session }: { session: Session },
  invokeid: string,
  data: ScxmlContext['data'],
): InvokeInput {
  return { session: { id: childSessionId(session, invokeid), invokeid }, data };
}

/** The actor that is known while reading: an inline document or a named file. */
function staticSource(doc: ScxmlDocument, element: XmlElement): string | undefined {
  const { src } = element.attributes;
  if (src !== undefined) return registerFile(doc, element, src);
  const [content] = childrenNamed(element, 'content');
  const [root] = content ? childrenNamed(content, 'scxml') : [];
  return root && registerDocument(doc, root);
}

/** A source computed while running can only choose among the documents that were there while reading. */
function dynamicSource(doc: ScxmlDocument, element: XmlElement): Expression {
  const { srcexpr } = element.attributes;
  const [content] = childrenNamed(element, 'content');
  if (srcexpr !== undefined) {
    for (const name of Object.keys(doc.files)) {
      if (name.endsWith('.scxml')) registerFile(doc, element, name);
    }
    return compileExpression(srcexpr);
  }
  if (content?.attributes['expr'] === undefined) throw new UnsupportedScxml(element, 'invokes nothing');
  return compileExpression(content.attributes['expr']);
}

function registerFile(doc: ScxmlDocument, element: XmlElement, source: string): string {
  fileText(doc, element, source);
  const name = fileName(source);
  if (!doc.actors.has(name)) doc.actors.set(name, doc.readFile(name, element));
  return name;
}

function requireSupported(doc: ScxmlDocument, element: XmlElement, { id, autoforward }: Invocation): void {
  const { type } = element.attributes;
  if (type !== undefined && !SCXML_TYPES.has(type)) {
    throw new UnsupportedScxml(element, `is of type "${type}", not SCXML`);
  }
  if (autoforward && [...doc.states.values()].some((state) => state.element.name === 'parallel')) {
    // Each region may answer an event with a transition of its own, and each would forward its own copy.
    throw new UnsupportedScxml(element, `forwards to ${id} in a document with parallel states`);
  }
}

function readFinalizer(doc: ScxmlDocument, element: XmlElement, { id, state }: Invocation): void {
  const [finalize] = childrenNamed(element, 'finalize');
  if (!finalize) return;
  if (finalize.children.length === 0) {
    throw new UnsupportedScxml(finalize, 'is empty, which would mean an update of what was passed in');
  }
  if (doc.finalizers.has(id)) throw new UnsupportedScxml(finalize, `is the second one for ${id}`);
  doc.finalizers.set(id, { state, steps: compileSteps(doc, finalize.children) });
}
