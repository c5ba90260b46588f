import { OgpuError } from '../errors.js';

/** Why bytes or values do not fit an ABI. */
export class AbiError extends OgpuError<
  | 'ABI_TYPE_UNKNOWN'
  | 'ABI_VALUE_TYPE'
  | 'ABI_VALUE_RANGE'
  | 'ABI_VALUE_COUNT'
  | 'ABI_TOO_SHORT'
  | 'ABI_TRAILING_BYTES'
  | 'ABI_NOT_CANONICAL'
  | 'ABI_SELECTOR_UNKNOWN'
> {}

/** One parameter of Solidity's JSON ABI, as `solc` prints it and viem and ethers read it. */
export interface AbiParameter {
  readonly name: string;
  readonly type: string;
  readonly components?: readonly AbiParameter[];
  /** Of a tuple: `struct IName.Struct`, with the brackets of `type`, as `solc` prints it. */
  readonly internalType?: string;
  readonly indexed?: boolean;
}

/** What the ABI of a module consists of. */
export interface AbiFunction {
  readonly type: 'function';
  readonly name: string;
  readonly inputs: readonly AbiParameter[];
  readonly outputs: readonly AbiParameter[];
  readonly stateMutability: 'view' | 'nonpayable' | 'payable';
}

export interface AbiEvent {
  readonly type: 'event';
  readonly name: string;
  readonly inputs: readonly AbiParameter[];
}

export interface AbiErrorItem {
  readonly type: 'error';
  readonly name: string;
  readonly inputs: readonly AbiParameter[];
}

export type AbiItem = AbiFunction | AbiEvent | AbiErrorItem;

/**
 * A value of an ABI type: bigint for (u)intN, boolean for bool, bytes for address, bytes and bytesN, text for string, a list
 * for T[], T[n] and tuples (in the order of the components).
 */
export type AbiValue = bigint | boolean | string | Uint8Array | readonly AbiValue[];

/** A type, parsed once. Lengths of fixed arrays are bounded so that a type cannot describe more than it costs to write down. */
export type AbiType =
  | { readonly kind: 'uint'; readonly bits: number }
  | { readonly kind: 'int'; readonly bits: number }
  | { readonly kind: 'bool' }
  | { readonly kind: 'address' }
  | { readonly kind: 'fixedBytes'; readonly length: number }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'string' }
  | { readonly kind: 'array'; readonly element: AbiType; readonly length: number | undefined }
  | { readonly kind: 'tuple'; readonly members: readonly AbiType[] };

const MAX_FIXED_ARRAY_LENGTH = 1024;
const MAX_TYPE_DEPTH = 8;

/** @throws AbiError ABI_TYPE_UNKNOWN */
export function parseAbiType(parameter: AbiParameter, depth = 0): AbiType {
  const { type, components } = parameter;
  const array = /^(.*)\[(\d*)\]$/.exec(type);
  if (depth > MAX_TYPE_DEPTH) throw unknownType(type);
  if (array !== null) {
    const [, elementType = '', lengthText = ''] = array;
    const length = lengthText === '' ? undefined : Number(lengthText);
    if (length !== undefined && (length < 1 || length > MAX_FIXED_ARRAY_LENGTH)) throw unknownType(type);
    const element = parseAbiType({ ...parameter, type: elementType }, depth + 1);
    return { kind: 'array', element, length };
  }
  if (type === 'tuple' && components !== undefined && components.length > 0) {
    return { kind: 'tuple', members: components.map((component) => parseAbiType(component, depth + 1)) };
  }
  return parseElementaryType(type);
}

/** `name(type,…)` with tuples spelled out: what selectors and topics are hashed from. */
export function abiSignature(name: string, inputs: readonly AbiParameter[]): string {
  return `${name}(${inputs.map(canonicalType).join(',')})`;
}

/** Whether a value of this type has no fixed size and so stands behind an offset. */
export function isDynamic(type: AbiType): boolean {
  switch (type.kind) {
    case 'bytes':
    case 'string':
      return true;
    case 'array':
      return type.length === undefined || isDynamic(type.element);
    case 'tuple':
      return type.members.some(isDynamic);
    default:
      return false;
  }
}

/** Bytes a value takes where it stands: its whole encoding when static, its offset when dynamic. */
export function headBytes(type: AbiType): number {
  if (isDynamic(type)) return 32;
  switch (type.kind) {
    case 'array':
      return (type.length ?? 0) * headBytes(type.element);
    case 'tuple':
      return type.members.reduce((sum, member) => sum + headBytes(member), 0);
    default:
      return 32;
  }
}

function parseElementaryType(type: string): AbiType {
  if (type === 'bool' || type === 'address' || type === 'bytes' || type === 'string') return { kind: type };
  const sized = /^(uint|int|bytes)([1-9]\d{0,2})$/.exec(type);
  const size = Number(sized?.[2]);
  const name = sized?.[1];
  if (name === 'bytes' && size <= 32) return { kind: 'fixedBytes', length: size };
  if ((name === 'uint' || name === 'int') && size % 8 === 0 && size <= 256) return { kind: name, bits: size };
  throw unknownType(type);
}

function canonicalType({ type, components }: AbiParameter): string {
  if (!type.startsWith('tuple')) return type;
  return `(${(components ?? []).map(canonicalType).join(',')})${type.slice('tuple'.length)}`;
}

function unknownType(type: string): AbiError {
  return new AbiError('ABI_TYPE_UNKNOWN', `no ABI type ${type}`, { type });
}
