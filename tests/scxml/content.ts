// Values that a document writes out: attributes, the children of <data>, <assign> and <content>, and the pairs of
// <param> and namelist.

import { compileExpression, type Expression, type Scope } from './datamodel.ts';
import { fileText, type ScxmlDocument } from './document.ts';
import type { Data } from './session.ts';
import { UnsupportedScxml } from './unsupported.ts';
import { toMessage } from './values.ts';
import { childrenNamed, tokens, type XmlElement } from './xml.ts';

/** The value of `foo`, or of the expression `fooexpr`. */
export function attributeOrExpression(element: XmlElement, name: string): Expression | undefined {
  const attribute = element.attributes[name];
  if (attribute !== undefined) return () => attribute;
  const expression = element.attributes[`${name}expr`];
  return expression === undefined ? undefined : compileExpression(expression);
}

/** The value of an element's own children: JSON if it is JSON, an inline document, or else text. */
export function compileContent(doc: ScxmlDocument, element: XmlElement): Expression {
  const [child] = element.children;
  if (child === undefined) return () => textValue(element.text);
  if (child.foreign || child.name !== 'scxml') refuseDom(element);
  const name = registerDocument(doc, child);
  return () => name;
}

export function compileFile(doc: ScxmlDocument, element: XmlElement, source: string): Expression {
  const text = fileText(doc, element, source);
  if (text.trimStart().startsWith('<')) refuseDom(element);
  return () => textValue(text);
}

/** The body of a message: <content>, or the pairs of namelist and <param>, or nothing. */
export function compilePayload(doc: ScxmlDocument, element: XmlElement): Expression {
  const [content] = childrenNamed(element, 'content');
  if (content) {
    const { expr } = content.attributes;
    const value = expr === undefined ? compileContent(doc, content) : compileExpression(expr);
    return (scope) => toMessage(value(scope));
  }
  const pairs = compilePairs(element);
  return pairs ? (scope) => toMessage(pairs(scope)) : () => undefined;
}

export function compilePairs(element: XmlElement): ((scope: Scope) => Data) | undefined {
  const named = tokens(element.attributes['namelist']).map(
    (name) => [name, compileExpression(name)] as const,
  );
  const params = childrenNamed(element, 'param').map((param) => {
    const { name, expr, location } = param.attributes;
    if (name === undefined) throw new UnsupportedScxml(param, 'has no name');
    return [name, compileExpression(expr ?? location ?? '')] as const;
  });
  const pairs = [...named, ...params];
  if (pairs.length === 0) return undefined;
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) {
    throw new UnsupportedScxml(element, 'gives two values to one name');
  }
  return (scope) => Object.fromEntries(pairs.map(([name, value]) => [name, value(scope)]));
}

/** An inline document rests in the datamodel as the name of its machine; only <invoke> can do anything with it. */
export function registerDocument(doc: ScxmlDocument, root: XmlElement): string {
  const name = `inline.${root.line}.${root.column}`;
  doc.actors.set(name, doc.readMachine(root));
  return name;
}

function textValue(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text.trim().replace(/\s+/g, ' ');
  }
}

function refuseDom(element: XmlElement): never {
  throw new UnsupportedScxml(element, 'holds XML: a DOM node is not plain data');
}
