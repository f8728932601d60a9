// Reads an SCXML document as an ordinary XState machine.
//
// Everything ends up in the machine's config and implementations: nothing is patched afterwards, so a machine made
// again from those two behaves the same. What has no faithful form in XState throws `UnsupportedScxml`.

import { StateMachine, type AnyStateMachine, type AnyStateNodeConfig } from 'xstate';
import { compileDataSteps } from './data.ts';
import { surveyDocument, type DocumentSources, type ScxmlDocument } from './document.ts';
import { compileSteps } from './executable.ts';
import { attempt, block, type BlockAction, type Step } from './run.ts';
import { ROOT_SESSION_ID, type InvokeInput, type ScxmlContext } from './session.ts';
import { compileChildren } from './states.ts';
import { compileTransitions, untakenEvents } from './transitions.ts';
import { UnsupportedScxml } from './unsupported.ts';
import { childrenNamed, parseXml, type XmlElement } from './xml.ts';

export { UnsupportedScxml } from './unsupported.ts';

export interface ReadOptions {
  /** The texts of the files that `src` attributes of the document name. Nothing is ever fetched. */
  readonly files?: Readonly<Record<string, string>>;
}

export function readScxml(xml: string, { files = {} }: ReadOptions = {}): AnyStateMachine {
  return readMachine(parseXml(xml), files, []);
}

function readMachine(
  root: XmlElement,
  files: Readonly<Record<string, string>>,
  reading: readonly string[],
): AnyStateMachine {
  const sources: DocumentSources = {
    files,
    readMachine: (inline) => readMachine(inline, files, reading),
    readFile: (name, invoke) => {
      if (reading.includes(name)) throw new UnsupportedScxml(invoke, `invokes ${name}, which invokes itself`);
      return readMachine(parseXml(files[name] ?? ''), files, [...reading, name]);
    },
  };
  const doc = surveyDocument(root, sources);
  const config = rootConfig(doc);
  return new StateMachine(config as ConstructorParameters<typeof StateMachine>[0], {
    actors: Object.fromEntries(doc.actors),
    actions: {},
    guards: {},
    delays: {},
  });
}

function rootConfig(doc: ScxmlDocument): AnyStateNodeConfig & Record<string, unknown> {
  const { on, always } = compileTransitions(doc, undefined, childrenNamed(doc.root, 'transition'));
  return {
    // Parentheses keep the machine's id apart from every state's: XML names have none.
    id: `(${doc.name ?? 'scxml'})`,
    context: ({ input }: { input?: InvokeInput }) => initialContext(doc, input),
    entry: [...compileDatamodel(doc), ...compileScripts(doc)],
    ...compileChildren(doc, doc.root),
    always,
    on: doc.intercepts ? { ...on, '*': [...(on['*'] ?? []), ...untakenEvents(doc)] } : on,
    output: ({ event }: { event: { output?: unknown } }) => event.output,
  };
}

/** Every variable exists from the start; a value from the invoker replaces the document's own. */
function initialContext(doc: ScxmlDocument, input: InvokeInput | undefined): ScxmlContext {
  const data = Object.fromEntries([...doc.declared].map((id) => [id, undefined]));
  const settable = topLevelData(doc.root).map(({ attributes }) => attributes['id']);
  const given = Object.entries(input?.data ?? {}).filter(([id]) => settable.includes(id));
  return {
    data: { ...data, ...Object.fromEntries(given) },
    session: {
      id: ROOT_SESSION_ID,
      sends: 0,
      ...input?.session,
      ...(given.length > 0 ? { given: given.map(([id]) => id) } : {}),
    },
  };
}

function compileDatamodel(doc: ScxmlDocument): BlockAction[] {
  const elements = doc.bindsLate ? topLevelData(doc.root) : doc.data;
  if (elements.length === 0) return [];
  const steps = compileDataSteps(doc, elements);
  const initialize: Step = (run) => {
    const { given = [], ...session } = run.session;
    run.session = session;
    elements.forEach(({ attributes }, index) => {
      const step = steps[index];
      // Each <data> fails alone: the others still get their values.
      if (step && !given.includes(attributes['id'] ?? '')) attempt(run, [step]);
    });
  };
  return [block(doc, [initialize])];
}

function compileScripts(doc: ScxmlDocument): BlockAction[] {
  return childrenNamed(doc.root, 'script').map((script) => block(doc, compileSteps(doc, [script])));
}

function topLevelData(root: XmlElement): XmlElement[] {
  return childrenNamed(root, 'datamodel').flatMap((datamodel) => childrenNamed(datamodel, 'data'));
}
