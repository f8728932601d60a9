// XML text to a tree of elements: the only file that knows saxes.

import { SaxesParser } from 'saxes';
import { UnsupportedScxml } from './unsupported.ts';

export interface XmlElement {
  /** The name without its prefix. */
  readonly name: string;
  /** True for an element outside the namespace of the document's root: data, not SCXML. */
  readonly foreign: boolean;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** The character data directly inside the element, comments left out. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

interface OpenElement extends XmlElement {
  readonly children: OpenElement[];
  text: string;
}

export function parseXml(xml: string): XmlElement {
  const parser = new SaxesParser({ xmlns: true });
  const open: OpenElement[] = [];
  let root: OpenElement | undefined;
  let namespace: string | undefined;

  parser.on('opentag', (tag) => {
    namespace ??= tag.uri;
    const element: OpenElement = {
      name: tag.local,
      foreign: tag.uri !== namespace,
      attributes: Object.fromEntries(
        Object.values(tag.attributes)
          .filter(({ prefix, local }) => prefix === '' && local !== 'xmlns')
          .map(({ local, value }) => [local, value]),
      ),
      children: [],
      text: '',
      line: parser.line,
      column: parser.column,
    };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  const addText = (text: string): void => {
    const element = open.at(-1);
    if (element) element.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.write(xml).close();

  if (!root) throw new SyntaxError('The document has no root element');
  return root;
}

export function childrenNamed(element: XmlElement, ...names: string[]): XmlElement[] {
  return element.children.filter((child) => !child.foreign && names.includes(child.name));
}

/** The white-space separated tokens of an attribute: ids of targets, event descriptors, names. */
export function tokens(attribute: string | undefined): string[] {
  return attribute?.trim() ? attribute.trim().split(/\s+/) : [];
}

export function requireAttribute(element: XmlElement, name: string): string {
  const value = element.attributes[name];
  if (value === undefined) throw new UnsupportedScxml(element, `has no attribute "${name}"`);
  return value;
}
