import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from './vectors.js';

/*
 * A golden script is a text of commands, each followed by what it has led to, indented. Lines that begin with `#` are for the reader.
 * OGPU_UPDATE_FIXTURES=1 writes the indented lines anew: read the difference before keeping it.
 */

/** What a command leads to, a line each. */
export type Interpreter = (command: string) => readonly string[];

export interface Script {
  readonly name: string;
  readonly text: string;
}

/** The scripts of `test/golden/<folder>`, by name. */
export function readScripts(folder: string): Script[] {
  const path = scriptFolder(folder);
  const names = readdirSync(path).filter((name) => name.endsWith('.txt'));
  return names.sort().map((name) => ({ name, text: readFileSync(join(path, name), 'utf8') }));
}

/** Runs a script from its start and compares it with what it says. */
export function checkScript(folder: string, { name, text }: Script, interpreter: Interpreter): void {
  const actual = replay(text, interpreter);
  if (process.env['OGPU_UPDATE_FIXTURES'] === '1') writeFileSync(join(scriptFolder(folder), name), actual);
  else assert.equal(actual, text, 'OGPU_UPDATE_FIXTURES=1 writes the script anew');
}

function replay(text: string, interpreter: Interpreter): string {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith(' ')) continue;
    lines.push(line);
    if (line === '' || line.startsWith('#')) continue;
    for (const output of interpreter(line)) lines.push(`  ${output}`);
  }
  return lines.join('\n');
}

/** `prevote a b X round=1` → its words, and its settings by name. */
export function parseCommand(command: string): {
  readonly words: readonly string[];
  readonly settings: ReadonlyMap<string, string>;
} {
  const parts = command.split(' ').filter((part) => part !== '');
  const settings = parts.filter((part) => part.includes('=')).map((part) => part.split('=', 2));
  return {
    words: parts.filter((part) => !part.includes('=')),
    settings: new Map(settings.map(([name = '', value = '']) => [name, value])),
  };
}

function scriptFolder(folder: string): string {
  return join(REPOSITORY_ROOT, 'test', 'golden', folder);
}
