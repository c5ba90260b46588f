import type { GraphFault, GraphFaultCode } from './faults.js';
import {
  operandList,
  operatorOfCode,
  OPERATORS,
  type AttributeKind,
  type GraphNode,
  type OperatorName,
  type TensorId,
} from './operators.js';
import { DATA_TYPES, type DataType } from './tensors.js';
import { integerFromWire, wireInteger } from './wire-integers.js';

export interface WireNode {
  operator: number;
  operands: number[];
  attributes: number[];
}

type AttributeAny = number | boolean | string | readonly number[];

/** In place of an optional operand that is absent. */
const NO_TENSOR = 0xffff;

const VECTORS = new Set<AttributeKind>(['counts', 'sizes']);

export function nodeToWire(node: GraphNode): WireNode {
  const values: Readonly<Record<string, AttributeAny>> = node.attributes;
  return {
    operator: OPERATORS[node.op].code,
    operands: operandList(node).map((id) => id ?? NO_TENSOR),
    attributes: attributesOf(node.op).flatMap(([name, kind]) => {
      const value = values[name];
      return value === undefined ? [] : attributeToWire(kind, value);
    }),
  };
}

/** @returns undefined where the node means nothing, and says why in `faults` */
export function nodeFromWire(wire: WireNode, index: number, faults: GraphFault[]): GraphNode | undefined {
  const operator = operatorOfCode(wire.operator);
  const before = faults.length;
  const report = (code: GraphFaultCode, message: string): void => {
    faults.push({
      path: `nodes[${index}]`,
      code,
      message,
      node: index,
      ...(operator === undefined ? {} : { operator }),
    });
  };
  if (operator === undefined) {
    report('OPERATOR_UNKNOWN', `operator ${wire.operator} is not known`);
    return undefined;
  }
  const operands = operandsFromWire(operator, wire.operands);
  if (typeof operands === 'string') report('OPERAND_COUNT', operands);
  const attributes = attributesFromWire(operator, wire.attributes, report);
  if (faults.length > before) return undefined;
  return { op: operator, operands, attributes } as GraphNode;
}

/** Reports what of a node made in memory has no encoding. */
export function checkNodeForm(node: GraphNode, index: number, faults: GraphFault[]): void {
  const wire = nodeToWire(node);
  if (wire.attributes.every(Number.isInteger)) nodeFromWire(wire, index, faults);
  else {
    faults.push({
      path: `nodes[${index}]`,
      code: 'ATTRIBUTE_INVALID',
      message: 'an attribute is not a 32-bit integer',
      node: index,
      operator: node.op,
    });
  }
}

function attributesOf(operator: OperatorName): [string, AttributeKind][] {
  return Object.entries<AttributeKind>(OPERATORS[operator].attributes);
}

function operandsFromWire(
  operator: OperatorName,
  ids: readonly number[],
): Record<string, TensorId | readonly TensorId[]> | string {
  const names: readonly string[] = OPERATORS[operator].operands;
  const [first = ''] = names;
  if (first.endsWith('*')) {
    if (ids.length === 0 || ids.includes(NO_TENSOR)) return 'one operand at least is needed, and none absent';
    return { [first.slice(0, -1)]: ids };
  }
  if (ids.length !== names.length) return `${names.length} operands are needed, ${ids.length} given`;
  const operands: Record<string, TensorId> = {};
  for (const [place, name] of names.entries()) {
    const id = ids[place] ?? NO_TENSOR;
    if (id !== NO_TENSOR) operands[name.replace('?', '')] = id;
    else if (!name.endsWith('?')) return `operand ${name} is absent`;
  }
  return operands;
}

function attributesFromWire(
  operator: OperatorName,
  wire: readonly number[],
  report: (code: GraphFaultCode, message: string) => void,
): Record<string, AttributeAny> {
  const kinds = attributesOf(operator);
  const vectors = kinds.filter(([, kind]) => VECTORS.has(kind)).length;
  const scalars = kinds.length - vectors;
  const length = vectors === 0 ? 0 : Math.floor((wire.length - scalars) / vectors);
  if (length < 0 || wire.length !== scalars + vectors * length) {
    report('ATTRIBUTE_COUNT', `${wire.length} integers do not make the attributes of ${operator}`);
    return {};
  }
  const attributes: Record<string, AttributeAny> = {};
  let at = 0;
  for (const [name, kind] of kinds) {
    const integers = wire.slice(at, (at += VECTORS.has(kind) ? length : 1)).map(integerFromWire);
    const value = attributeFromWire(kind, integers);
    if (value === undefined) report('ATTRIBUTE_INVALID', `${name} cannot be ${integers.join(', ')}`);
    else attributes[name] = value;
  }
  return attributes;
}

function attributeToWire(kind: AttributeKind, value: AttributeAny): number[] {
  if (typeof value === 'object') return value.map(wireInteger);
  if (typeof value === 'number') return [wireInteger(value)];
  if (typeof value === 'boolean') return [value ? 1 : 0];
  const place = kind === 'type' ? DATA_TYPES.indexOf(value as DataType) : kind.indexOf(value);
  return [place < 0 ? Number.NaN : place];
}

function attributeFromWire(kind: AttributeKind, integers: readonly number[]): AttributeAny | undefined {
  const [value = 0] = integers;
  switch (kind) {
    case 'int':
      return value;
    case 'count':
      return value >= 0 ? value : undefined;
    case 'size':
      return value >= 1 ? value : undefined;
    case 'flag':
      return value === 0 || value === 1 ? value === 1 : undefined;
    case 'type':
      return DATA_TYPES[value];
    case 'counts':
      return integers.every((integer) => integer >= 0) ? integers : undefined;
    case 'sizes':
      return integers.every((integer) => integer >= 1) ? integers : undefined;
    default:
      return kind[value];
  }
}
