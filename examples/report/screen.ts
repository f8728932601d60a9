/**
 * The screen: one line that moves on a terminal, and plain lines where there is none.
 */
import { Screen } from '../stage/screen.ts';
import type { NodeName, Standing } from './daemon.ts';

const STAGES: readonly (readonly [node: NodeName, name: string])[] = [
  ['corpus', 'list'],
  ['research', 'research'],
  ['chapters', 'write'],
  ['review', 'review'],
  ['publish', 'publish'],
];

export class ProgressScreen extends Screen {
  #line = '';

  /** A line that stays. */
  override print(text = ''): void {
    this.#erase();
    super.print(text);
    this.#draw();
  }

  /** Shows where the report stands. Without a terminal only what is new is printed. */
  progress(standing: Standing | undefined, kills: number): void {
    const line = this.#progressLine(standing, kills);
    if (line === this.#line) return;
    this.#erase();
    this.#line = line;
    if (this.isTerminal) this.#draw();
    else this.out.write(`${line}\n`);
  }

  /** The moving line goes. */
  rest(): void {
    this.#erase();
    this.#line = '';
  }

  #progressLine(standing: Standing | undefined, kills: number): string {
    const killed = kills === 0 ? '' : this.paint('red', `  ✂ killed ${kills}×`);
    if (standing === undefined) return `  ${this.paint('dim', 'the daemon comes up …')}${killed}`;
    const { nodes, chapters, documents } = standing;
    const stages = STAGES.map(([node, name]) => {
      const count = node === 'chapters' && documents > 0 ? ` ${chapters}/${documents}` : '';
      switch (nodes[node]) {
        case 'complete':
          return this.paint('green', `✔ ${name}${count}`);
        case 'running':
        case 'waiting':
          return this.paint('bold', `▶ ${name}${count}`);
        case 'failed':
          return this.paint('red', `✘ ${name}`);
        default:
          return this.paint('dim', `· ${name}${count}`);
      }
    });
    return `  ${stages.join('  ')}${killed}`;
  }

  #erase(): void {
    if (this.isTerminal && this.#line !== '') this.out.write('\r\x1b[2K');
  }

  #draw(): void {
    if (this.isTerminal && this.#line !== '') this.out.write(this.#line);
  }
}
