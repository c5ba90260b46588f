import type { z } from 'zod';
import { invalidParams, type RpcError } from '../errors/rpc-error.js';
import type { Parameter, RpcMethod } from '../method.js';

/** Of each parameter, values of at most so much JSON – about that of a filter for logs – that are remembered with what they mean. */
const MAX_REMEMBERED = 512;
const MAX_TEXT = 512;

/** What values meant; texts and objects apart, for a text may look like an object. */
interface Remembered {
  readonly texts: Map<string, unknown>;
  readonly objects: Map<string, unknown>;
}

/** Reads what a method is given. Clients name the same accounts and blocks again and again: what was read lately is not read anew. */
export class ParameterReader {
  readonly #remembered = new WeakMap<Parameter, Remembered>();

  /** By position or by name. @throws RpcError RPC_PARAMS_INVALID */
  read({ parameters, takesAnything }: RpcMethod, params: unknown): unknown[] {
    if (takesAnything) return [];
    const given: readonly unknown[] = Array.isArray(params)
      ? (params as unknown[])
      : isRecord(params)
        ? byName(parameters, params)
        : [];
    if (given.length > parameters.length) {
      throw invalidParams(`too many arguments, want at most ${parameters.length}`, {
        expected: parameters.length,
        received: given.length,
      });
    }
    return parameters.map((parameter, index) => this.#readOne(parameter, index, given[index]));
  }

  #readOne(parameter: Parameter, index: number, value: unknown): unknown {
    if (weightOf(value) > MAX_TEXT || value === undefined) return parse(parameter, index, value);
    const { texts, objects } = this.#rememberedOf(parameter);
    const [remembered, text] = typeof value === 'string' ? [texts, value] : [objects, JSON.stringify(value)];
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const parsed = parse(parameter, index, value);
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(text, parsed);
    return parsed;
  }

  #rememberedOf(parameter: Parameter): Remembered {
    const known = this.#remembered.get(parameter);
    if (known !== undefined) return known;
    const remembered: Remembered = { texts: new Map(), objects: new Map() };
    this.#remembered.set(parameter, remembered);
    return remembered;
  }
}

/** About how long the JSON of a value is; of a long one, that it is longer than matters. */
function weightOf(value: unknown, budget = MAX_TEXT): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let weight = 2;
  for (const [name, member] of Object.entries(value)) {
    weight += name.length;
    if (weight > budget) break;
    weight += weightOf(member, budget - weight);
  }
  return weight;
}

function parse({ name, schema }: Parameter, index: number, value: unknown): unknown {
  // A null stands for what is left out.
  const parsed = schema.safeParse(value ?? undefined);
  if (parsed.success) return parsed.data;
  if (value === undefined || value === null)
    throw invalidParams(`missing value for required argument ${index}: ${name}`, { argument: index, name });
  throw invalidArgument(index, name, parsed.error.issues);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function byName(parameters: RpcMethod['parameters'], params: Record<string, unknown>): unknown[] {
  const unknown = Object.keys(params).find((name) => !parameters.some((known) => known.name === name));
  if (unknown !== undefined) {
    throw invalidParams(`no argument is called ${JSON.stringify(unknown.slice(0, 64))}`, {
      known: parameters.map(({ name }) => name),
    });
  }
  return parameters.map(({ name }) => params[name]);
}

/** Faults that are told of one argument. */
const MAX_ISSUES = 8;

function invalidArgument(index: number, name: string, issues: readonly z.core.$ZodIssue[]): RpcError {
  const faults = issues.slice(0, MAX_ISSUES).map(({ path, message }) => ({
    path: path.map((part) => String(part).slice(0, 64)).join('.'),
    message: message.slice(0, 200),
  }));
  const [first] = faults;
  const where = first === undefined || first.path === '' ? '' : ` at ${first.path}`;
  return invalidParams(`invalid argument ${index} (${name})${where}: ${first?.message ?? 'not valid'}`, {
    argument: index,
    name,
    faults,
  });
}
