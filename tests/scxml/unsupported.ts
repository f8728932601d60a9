// The one way the reader says no. An outside judge that quietly drops what it does not understand proves
// nothing, so everything that has no faithful XState form ends here, with the element and the reason.

import type { XmlElement } from './xml.ts';

export class UnsupportedScxml extends Error {
  readonly _tag = 'UnsupportedScxml';
  readonly element: string;
  readonly reason: string;
  readonly line: number | undefined;

  constructor(where: XmlElement | string, reason: string) {
    const element = typeof where === 'string' ? where : where.name;
    const line = typeof where === 'string' ? undefined : where.line;
    super(`<${element}>${line === undefined ? '' : ` (line ${line})`} ${reason}`);
    this.name = 'UnsupportedScxml';
    this.element = element;
    this.reason = reason;
    this.line = line;
  }
}
