import { cut, type FaultLog } from './faults.js';

/** Far deeper than any genesis document. */
const MAX_DEPTH = 64;
/** Of a key in paths and messages; longer than any of the document. */
const MAX_KEY_CHARACTERS = 80;

/** An open object or array while scanning. */
interface Container {
  /** Keys seen so far; absent for an array. */
  readonly keys: Set<string> | undefined;
  readonly path: string;
  /** Path of the member or element being read. */
  member: string;
  index: number;
  expectsKey: boolean;
}

/**
 * Parses JSON and reports keys that an object has twice, which `JSON.parse` would resolve silently to the last one.
 *
 * Faults: JSON_SYNTAX, JSON_TOO_DEEP, JSON_DUPLICATE_KEY. The value is undefined when the text is not JSON.
 *
 * @param name of the text in the path of a syntax error
 */
export function parseJson(text: string, log: FaultLog, name = '$'): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    log.add(name, 'JSON_SYNTAX', error instanceof Error ? error.message : String(error));
    return undefined;
  }
  reportDuplicateKeys(text, log);
  return value;
}

/** Walks the tokens of a text that is known to be valid JSON. */
function reportDuplicateKeys(text: string, log: FaultLog): void {
  const open: Container[] = [];
  for (const token of structuralTokens(text)) {
    const container = open.at(-1);
    if (token === '{' || token === '[') {
      if (open.length === MAX_DEPTH) {
        log.add(container?.member ?? '$', 'JSON_TOO_DEEP', `more than ${MAX_DEPTH} levels of nesting`);
        return;
      }
      open.push(openContainer(token, container?.member ?? '$'));
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (container !== undefined) {
      readMember(container, token, log);
    }
  }
}

function openContainer(token: '{' | '[', path: string): Container {
  const isObject = token === '{';
  return {
    keys: isObject ? new Set() : undefined,
    path,
    member: isObject ? path : `${path}[0]`,
    index: 0,
    expectsKey: isObject,
  };
}

function readMember(container: Container, token: string, log: FaultLog): void {
  if (token === ',') {
    container.expectsKey = container.keys !== undefined;
    if (container.keys === undefined) container.member = `${container.path}[${++container.index}]`;
    return;
  }
  if (!container.expectsKey || container.keys === undefined) return;
  const key = String(JSON.parse(token));
  const shown = cut(key, MAX_KEY_CHARACTERS);
  container.member = container.path === '$' ? shown : `${container.path}.${shown}`;
  container.expectsKey = false;
  if (container.keys.has(key))
    log.add(container.member, 'JSON_DUPLICATE_KEY', `key "${shown}" appears twice`);
  container.keys.add(key);
}

/** Brackets, commas and whole strings of valid JSON, in order. Strings are found without a regex, whose stack they could exhaust. */
function* structuralTokens(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') {
      const end = closingQuote(text, at);
      yield text.slice(at, end + 1);
      at = end;
    } else if ('{}[],'.includes(character)) {
      yield character;
    }
  }
}

function closingQuote(text: string, open: number): number {
  let at = text.indexOf('"', open + 1);
  while (isEscaped(text, at)) at = text.indexOf('"', at + 1);
  return at;
}

/** Whether an odd number of backslashes stands before `at`. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charAt(at - 1 - backslashes) === '\\') backslashes++;
  return backslashes % 2 === 1;
}
