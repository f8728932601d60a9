/**
 * The screen: plain lines, with colours where a terminal has some.
 */
import { styleText } from 'node:util';
import { amountOf } from 'heddle/actors';
import type { Micros } from 'heddle/actors';
import type { Step } from './steps.ts';

export type Style = Parameters<typeof styleText>[0];

export class Screen {
  protected readonly out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream) {
    this.out = out;
  }

  get isTerminal(): boolean {
    return this.out.isTTY;
  }

  /** Text in a style, where the terminal has styles. */
  paint(style: Style, text: string): string {
    return this.isTerminal && process.env['NO_COLOR'] === undefined ? styleText(style, text) : text;
  }

  print(text = ''): void {
    this.out.write(`${text}\n`);
  }

  title(text: string): void {
    this.print(`\n${this.paint('bold', text)}`);
  }

  /** What happened, in two columns. */
  tell(what: string, detail: string, style?: Style): void {
    const line = `  ${what.padEnd(20)} ${detail}`;
    this.print(style === undefined ? line : this.paint(style, line));
  }

  tellKill(detail: string): void {
    this.tell('✂ killed', `SIGKILL, ${detail}`, 'red');
  }

  /** A step: what went wrong in its attempts, what came of it, by whom, for how much, and by which row of the table. */
  tellStep({ task, attempts, permittedBy, output }: Step, inWords: (output: never) => string): void {
    for (const { agent, fault, message, move } of attempts)
      if (fault !== undefined) this.tell(`✘ ${fault}`, `${task}, ${agent}: ${message} → ${move}`, 'yellow');
    if (output === undefined) return;
    const { agent } = attempts.at(-1)!;
    const cost = attempts.reduce((sum, attempt) => sum + (attempt.cost ?? 0), 0) as Micros;
    this.tell(
      task,
      `${inWords(output as never)} (${agent}, ${amountOf(cost)}, by ${permittedBy.join(', ')})`,
    );
  }

  /** A claim, held against the facts. One that is not true fails the example. */
  check(holds: boolean, claim: string): void {
    this.print(
      holds ? `  ${this.paint('green', '✔')} ${claim}` : `  ${this.paint('red', '✘ NOT TRUE:')} ${claim}`,
    );
    if (!holds) process.exitCode = 1;
  }
}
