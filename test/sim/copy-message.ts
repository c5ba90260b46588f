import { OgpuError } from '../../protocol/errors.js';

/** A message holds something that cannot cross a wire. */
export class MessageError extends OgpuError<'SIM_MESSAGE'> {
  constructor(what: string) {
    super('SIM_MESSAGE', `a message holds ${what}, which no wire carries`);
  }
}

/** Nesting beyond this is taken for a cycle. */
const MAX_DEPTH = 32;

/**
 * A copy that shares no memory with the original; objects and arrays in it are frozen, byte arrays cannot be.
 * Messages are plain data: primitives, byte arrays, arrays and plain objects.
 *
 * @throws MessageError on anything else
 */
export function copyMessage<Message>(message: Message): Message {
  return copy(message, 0) as Message;
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') throw new MessageError(`a ${typeof value}`);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Uint8Array.prototype.slice.call(value);
  if (depth >= MAX_DEPTH) throw new MessageError('a cycle, or too deep a nesting');
  if (Array.isArray(value)) return Object.freeze(value.map((item) => copy(item, depth + 1)));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new MessageError('an object with a class');
  const source = value as Readonly<Record<string, unknown>>;
  const copied: Record<string, unknown> = {};
  for (const key of Object.keys(source)) copied[key] = copy(source[key], depth + 1);
  return Object.freeze(copied);
}
