import { AbiError, headBytes, isDynamic, type AbiType, type AbiValue } from './types.js';

/**
 * Values of `types` from their canonical encoding, and nothing else.
 *
 * Solidity would also read encodings with gaps, shared or reordered tails, and trailing bytes. They are refused: one value has one
 * encoding, no tail is read twice (so a small input cannot decode into a large value), and every wallet and library writes the
 * canonical form anyway. Byte strings are views into `bytes`.
 *
 * @throws AbiError ABI_TOO_SHORT | ABI_NOT_CANONICAL | ABI_TRAILING_BYTES
 */
export function decodeAbi(types: readonly AbiType[], bytes: Uint8Array): AbiValue[] {
  const decoder = new Decoder(bytes);
  const values = decoder.sequence(types);
  decoder.finish();
  return values;
}

class Decoder {
  readonly #bytes: Uint8Array;
  /** Where the next tail must start: tails follow each other without gaps. */
  #frontier = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Values whose heads start at the frontier. */
  sequence(types: readonly AbiType[]): AbiValue[] {
    const base = this.#frontier;
    const headLength = types.reduce((sum, type) => sum + headBytes(type), 0);
    this.#need(base, headLength);
    this.#frontier = base + headLength;
    let head = base;
    return types.map((type) => {
      const at = head;
      head += headBytes(type);
      if (!isDynamic(type)) return this.#static(type, at);
      if (this.#uint(at, 'offset') !== BigInt(this.#frontier - base)) throw notCanonical('offset', at);
      return this.#dynamic(type);
    });
  }

  finish(): void {
    if (this.#frontier === this.#bytes.length) return;
    const trailing = this.#bytes.length - this.#frontier;
    throw new AbiError('ABI_TRAILING_BYTES', `${trailing} bytes after the values`, { trailing });
  }

  #dynamic(type: AbiType): AbiValue {
    switch (type.kind) {
      case 'bytes':
        return this.#byteString();
      case 'string':
        return this.#text();
      case 'array': {
        const length = type.length ?? this.#length(Math.max(headBytes(type.element), 32));
        return this.sequence(Array.from({ length }, () => type.element));
      }
      case 'tuple':
        return this.sequence(type.members);
      default:
        throw notCanonical(type.kind, this.#frontier);
    }
  }

  #static(type: AbiType, at: number): AbiValue {
    switch (type.kind) {
      case 'uint': {
        const value = this.#uint(at, type.kind);
        if (value >> BigInt(type.bits) !== 0n) throw notCanonical(type.kind, at);
        return value;
      }
      case 'int': {
        const value = BigInt.asIntN(256, this.#uint(at, type.kind));
        if (BigInt.asIntN(type.bits, value) !== value) throw notCanonical(type.kind, at);
        return value;
      }
      case 'bool': {
        const value = this.#uint(at, type.kind);
        if (value > 1n) throw notCanonical(type.kind, at);
        return value === 1n;
      }
      case 'address':
        this.#needZeros(at, 12, type.kind);
        return this.#bytes.subarray(at + 12, at + 32);
      case 'fixedBytes':
        this.#needZeros(at + type.length, 32 - type.length, type.kind);
        return this.#bytes.subarray(at, at + type.length);
      case 'array':
        return Array.from({ length: type.length ?? 0 }, (_, i) =>
          this.#static(type.element, at + i * headBytes(type.element)),
        );
      case 'tuple': {
        let offset = at;
        return type.members.map((member) => {
          const start = offset;
          offset += headBytes(member);
          return this.#static(member, start);
        });
      }
      default:
        throw notCanonical(type.kind, at);
    }
  }

  #byteString(): Uint8Array {
    const length = this.#length(1);
    const start = this.#frontier;
    const padded = Math.ceil(length / 32) * 32;
    this.#need(start, padded);
    this.#needZeros(start + length, padded - length, 'padding');
    this.#frontier = start + padded;
    return this.#bytes.subarray(start, start + length);
  }

  #text(): string {
    const at = this.#frontier;
    const bytes = this.#byteString();
    // Outside of `try`: a platform that cannot decode strictly must stop, not refuse what others accept.
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    try {
      return decoder.decode(bytes);
    } catch {
      throw notCanonical('string', at);
    }
  }

  /** The length word at the frontier; `bytesEach` of what it counts must be there before anything is made for them. */
  #length(bytesEach: number): number {
    const length = this.#uint(this.#frontier, 'length');
    this.#frontier += 32;
    if (length * BigInt(bytesEach) > BigInt(this.#bytes.length - this.#frontier))
      throw tooShort(this.#frontier);
    return Number(length);
  }

  #uint(at: number, what: string): bigint {
    this.#need(at, 32);
    let value = 0n;
    for (let i = at; i < at + 32; i += 4) {
      const [a = 0, b = 0, c = 0, d = 0] = this.#bytes.subarray(i, i + 4);
      value = (value << 32n) | BigInt(((a << 24) | (b << 16) | (c << 8) | d) >>> 0);
    }
    if (what === 'offset' && value > BigInt(this.#bytes.length)) throw tooShort(at);
    return value;
  }

  #need(at: number, length: number): void {
    if (at + length > this.#bytes.length) throw tooShort(at);
  }

  #needZeros(at: number, length: number, what: string): void {
    for (let i = at; i < at + length; i++) if (this.#bytes[i] !== 0) throw notCanonical(what, at);
  }
}

function tooShort(offset: number): AbiError {
  return new AbiError('ABI_TOO_SHORT', 'the bytes end before the values do', { offset });
}

function notCanonical(what: string, offset: number): AbiError {
  return new AbiError('ABI_NOT_CANONICAL', `${what} is not canonically encoded`, { what, offset });
}
