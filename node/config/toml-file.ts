import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { getStaticTOMLValue, parseTOML, type AST } from 'toml-eslint-parser';
import { readTextFile } from '../../genesis/files.js';
import { OgpuError } from '../../protocol/errors.js';
import { BY_PATH, SECTION_NAMES } from './catalogue.js';
import type { ConfigFault } from './config-error.js';
import { hint, type Layer, type Written } from './layer.js';
import { suggestion } from './suggestion.js';

export const MAX_CONFIG_BYTES = 1024 * 1024;

/** Whether there is anything under the name. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** What a file says. A file that cannot be read or is no TOML is one fault. */
export async function readTomlFile(path: string): Promise<Layer> {
  try {
    return parseToml(await readTextFile(path, MAX_CONFIG_BYTES), path);
  } catch (error) {
    if (!(error instanceof OgpuError)) throw error;
    const fault = { path: '$', code: 'CONFIG_FILE', message: error.message, source: path };
    return { values: new Map(), faults: [fault] };
  }
}

/** @param path of the file, for faults and relative paths */
export function parseToml(text: string, path: string): Layer {
  const layer = new FileLayer(path);
  const program = parseProgram(text, layer);
  for (const node of program?.body[0].body ?? []) {
    if (node.type === 'TOMLKeyValue') layer.take([], node);
    else layer.takeTable(node);
  }
  return layer;
}

function parseProgram(text: string, layer: FileLayer): AST.TOMLProgram | undefined {
  try {
    return parseTOML(text.replace(/^\ufeff/, ''));
  } catch (error) {
    if (!(error instanceof Error) || !('lineNumber' in error)) throw error;
    layer.fault('$', 'CONFIG_SYNTAX', `not TOML: ${error.message}`, Number(error.lineNumber));
    return undefined;
  }
}

class FileLayer implements Layer {
  readonly values = new Map<string, Written>();
  readonly faults: ConfigFault[] = [];
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  takeTable(table: AST.TOMLTable): void {
    const section = table.resolvedKey.map(String);
    const path = section.join('.');
    if (table.kind === 'standard' && SECTION_NAMES.includes(path)) {
      for (const node of table.body) this.take(section, node);
    } else this.#refuse(path, table.loc.start.line);
  }

  take(section: readonly string[], node: AST.TOMLKeyValue): void {
    const keys = [
      ...section,
      ...node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value)),
    ];
    const path = keys.join('.');
    const { line } = node.loc.start;
    if (BY_PATH.has(path)) {
      const value = valueOf(node.value);
      this.values.set(path, { value, source: `${this.#path}:${line}`, folder: dirname(resolve(this.#path)) });
    } else if (node.value.type === 'TOMLInlineTable' && SECTION_NAMES.includes(path)) {
      for (const inner of node.value.body) this.take(keys, inner);
    } else this.#refuse(path, line);
  }

  fault(path: string, code: string, message: string, line: number): void {
    this.faults.push({ path, code, message, source: `${this.#path}:${line}` });
  }

  #refuse(path: string, line: number): void {
    if (SECTION_NAMES.includes(path)) {
      this.fault(path, 'CONFIG_TYPE', `expected a table: [${path}]`, line);
      return;
    }
    const name = suggestion(path, [...BY_PATH.keys(), ...SECTION_NAMES]);
    this.fault(path, 'CONFIG_UNKNOWN', `there is no such setting${hint(name)}`, line);
  }
}

/** Integers that a number cannot hold stay text. */
function valueOf(node: AST.TOMLContentNode): unknown {
  if (node.type === 'TOMLValue' && node.kind === 'integer' && !Number.isSafeInteger(node.value))
    return node.bigint.toString();
  return getStaticTOMLValue(node);
}
