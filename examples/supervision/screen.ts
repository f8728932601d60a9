/**
 * The screen: plain lines, with colours where a terminal has some.
 */
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export class Screen {
  readonly #out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  paint(style: Style, text: string): string {
    return this.#out.isTTY && process.env['NO_COLOR'] === undefined ? styleText(style, text) : text;
  }

  print(text = ''): void {
    this.#out.write(`${text}\n`);
  }

  title(text: string): void {
    this.print(`\n${this.paint('bold', text)}`);
  }

  /** A claim, held against the facts. One that is not true fails the run. */
  check(holds: boolean, claim: string): void {
    this.print(
      holds ? `  ${this.paint('green', '✔')} ${claim}` : `  ${this.paint('red', '✘ NOT TRUE:')} ${claim}`,
    );
    if (!holds) process.exitCode = 1;
  }
}
