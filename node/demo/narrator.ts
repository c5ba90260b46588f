import { printableLines } from '../terminal-text.js';

/** Tells a person who watches what goes on: what is done on standard output, what is under way below it where that is a terminal. */
export class Narrator {
  readonly #isTerminal = process.stderr.isTTY;
  readonly #startMs = performance.now();
  #isDrawn = false;

  /** A step of the story. */
  step(title: string, text: string): void {
    this.#write(`${title.padEnd(TITLE_WIDTH)}${text}`);
  }

  /** More about it. */
  detail(text: string): void {
    this.#write(`${' '.repeat(TITLE_WIDTH)}${text}`);
  }

  /** A command as a user would type it. */
  command(text: string): void {
    this.detail(`$ ${text}`);
  }

  blank(): void {
    this.#write('');
  }

  /** What is under way; the next line takes its place. */
  live(text: string): void {
    if (!this.#isTerminal) return;
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(0);
    process.stderr.write(`\r\u001b[K${' '.repeat(TITLE_WIDTH)}${printableLines(text)} · ${seconds} s`);
    this.#isDrawn = true;
  }

  #write(line: string): void {
    if (this.#isDrawn) process.stderr.write('\r\u001b[K');
    this.#isDrawn = false;
    process.stdout.write(printableLines(`${line}\n`));
  }
}

const TITLE_WIDTH = 12;
