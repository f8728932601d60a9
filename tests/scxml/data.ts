// <data>: how the variables of a document get their first values.

import { compileContent, compileFile } from './content.ts';
import { compileExpression, type Expression } from './datamodel.ts';
import type { ScxmlDocument } from './document.ts';
import { blaming, type Step } from './run.ts';
import { UnsupportedScxml } from './unsupported.ts';
import type { XmlElement } from './xml.ts';

/** One step for each element; a step that fails leaves its variable undefined. */
export function compileDataSteps(doc: ScxmlDocument, elements: readonly XmlElement[]): Step[] {
  return elements.map((element) => {
    const id = element.attributes['id'];
    if (id === undefined) throw new UnsupportedScxml(element, 'has no id');
    const value = valueOf(doc, element);
    return blaming(element, ({ scope }) => {
      scope.data[id] = undefined;
      scope.data[id] = value(scope);
    });
  });
}

function valueOf(doc: ScxmlDocument, element: XmlElement): Expression {
  const { expr, src } = element.attributes;
  if (expr !== undefined) return compileExpression(expr);
  return src === undefined ? compileContent(doc, element) : compileFile(doc, element, src);
}
