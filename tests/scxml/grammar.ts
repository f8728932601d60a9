// What SCXML allows where. A document with an element or attribute that is not in this table means something the
// reader would otherwise overlook without a word.

import { UnsupportedScxml } from './unsupported.ts';
import type { XmlElement } from './xml.ts';

interface Rule {
  readonly attributes: ReadonlySet<string>;
  /** Undefined where the children are a value and not SCXML. */
  readonly children: ReadonlySet<string> | undefined;
}

const EXECUTABLE = 'raise send cancel assign script log if foreach';
const LIFE = 'onentry onexit';

const GRAMMAR: Readonly<Record<string, Rule>> = {
  // A <transition> directly inside <scxml> is an extension of SCION's that some of the cases use.
  scxml: rule('name initial version datamodel binding', 'state parallel final datamodel script transition'),
  state: rule('id initial', `${LIFE} transition initial state parallel final history datamodel invoke`),
  parallel: rule('id', `${LIFE} transition state parallel history datamodel invoke`),
  final: rule('id', `${LIFE} donedata`),
  history: rule('id type', 'transition'),
  initial: rule('', 'transition'),
  transition: rule('event cond target type', EXECUTABLE),
  onentry: rule('', EXECUTABLE),
  onexit: rule('', EXECUTABLE),
  datamodel: rule('', 'data'),
  data: rule('id src expr'),
  donedata: rule('', 'content param'),
  content: rule('expr'),
  param: rule('name expr location', ''),
  raise: rule('event', ''),
  if: rule('cond', `${EXECUTABLE} elseif else`),
  elseif: rule('cond', ''),
  else: rule('', ''),
  foreach: rule('array item index', EXECUTABLE),
  log: rule('label expr', ''),
  assign: rule('location expr'),
  script: rule('src', ''),
  send: rule(
    'event eventexpr target targetexpr type typeexpr id idlocation delay delayexpr namelist',
    'content param',
  ),
  cancel: rule('sendid sendidexpr', ''),
  invoke: rule('type typeexpr src srcexpr id idlocation namelist autoforward', 'param finalize content'),
  finalize: rule('', 'cancel assign script log if foreach'),
};

export function checkGrammar(element: XmlElement): void {
  const known = GRAMMAR[element.name];
  if (!known) throw new UnsupportedScxml(element, 'is not an element of SCXML');
  const stranger = Object.keys(element.attributes).find((name) => !known.attributes.has(name));
  if (stranger !== undefined) throw new UnsupportedScxml(element, `has the unknown attribute "${stranger}"`);
  for (const child of known.children ? element.children : []) {
    if (child.foreign || !known.children?.has(child.name)) {
      throw new UnsupportedScxml(child, `has no meaning inside <${element.name}>`);
    }
    checkGrammar(child);
  }
}

function rule(attributes: string, children?: string): Rule {
  return {
    attributes: new Set(attributes.split(' ')),
    children: children === undefined ? undefined : new Set(children.split(' ')),
  };
}
