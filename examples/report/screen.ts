/**
 * The screen: one line that moves on a terminal, and plain lines where there is none.
 */
import { styleText } from 'node:util';
import type { Standing } from './daemon.ts';

type Style = Parameters<typeof styleText>[0];

const STAGES = ['listing', 'researching', 'writing', 'review', 'publishing'] as const;
const NAMES: Record<(typeof STAGES)[number], string> = {
  listing: 'list',
  researching: 'research',
  writing: 'write',
  review: 'review',
  publishing: 'publish',
};

export class Screen {
  readonly #out: NodeJS.WriteStream;
  #line = '';

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  get isTerminal(): boolean {
    return this.#out.isTTY;
  }

  /** Text in a style, where the terminal has styles. */
  paint(style: Style, text: string): string {
    return this.isTerminal && process.env['NO_COLOR'] === undefined ? styleText(style, text) : text;
  }

  /** A line that stays. */
  print(text = ''): void {
    this.#erase();
    this.#out.write(`${text}\n`);
    this.#draw();
  }

  /** Shows where the report stands. Without a terminal only what is new is printed. */
  progress(standing: Standing | undefined, kills: number): void {
    const line = this.#progressLine(standing, kills);
    if (line === this.#line) return;
    this.#erase();
    this.#line = line;
    if (this.isTerminal) this.#draw();
    else this.#out.write(`${line}\n`);
  }

  /** The moving line goes. */
  rest(): void {
    this.#erase();
    this.#line = '';
  }

  #progressLine(standing: Standing | undefined, kills: number): string {
    const killed = kills === 0 ? '' : this.paint('red', `  ✂ killed ${kills}×`);
    if (standing === undefined) return `  ${this.paint('dim', 'the daemon comes up …')}${killed}`;
    const { state, chapters, documents } = standing;
    const reached = STAGES.indexOf(state as (typeof STAGES)[number]);
    const stages = STAGES.map((stage, index) => {
      const count = stage === 'writing' && documents > 0 ? ` ${chapters}/${documents}` : '';
      if (state === 'rejected' && index >= STAGES.indexOf('review')) {
        return stage === 'review' ? this.paint('red', '✘ review') : this.paint('dim', `· ${NAMES[stage]}`);
      }
      if (reached === -1 || index < reached) return this.paint('green', `✔ ${NAMES[stage]}${count}`);
      return index === reached
        ? this.paint('bold', `▶ ${NAMES[stage]}${count}`)
        : this.paint('dim', `· ${NAMES[stage]}${count}`);
    });
    return `  ${stages.join('  ')}${killed}`;
  }

  #erase(): void {
    if (this.isTerminal && this.#line !== '') this.#out.write('\r\x1b[2K');
  }

  #draw(): void {
    if (this.isTerminal && this.#line !== '') this.#out.write(this.#line);
  }
}
