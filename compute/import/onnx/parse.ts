import * as limits from '../limits.js';
import { malformed, tooLarge, unsupported } from '../model-error.js';
import type { Attribute, Model, ModelNode, ModelTensor, ModelValue } from '../model.js';
import { checkOrder } from '../order.js';
import { readTensor, typeOf } from './tensor.js';
import { fields, numbersOf, textOf, type Field } from './wire.js';

/** Operators of these versions mean what the steps after this one take them to mean. */
const OPSETS = { min: 7, max: 28 };

/**
 * A model from the bytes of an `.onnx` file, all of it in that file.
 *
 * @throws ModelError naming the part, node or tensor; nothing else, whatever the bytes are
 */
export function parseOnnx(file: Uint8Array): Model {
  if (file.length > limits.MAX_MODEL_BYTES) throw tooLarge('file', 'bytes', limits.MAX_MODEL_BYTES);
  let graph: Uint8Array | undefined;
  let opset: number | undefined;
  for (const field of fields('file', file)) {
    if (field.number === 7) graph = field.bytes;
    else if (field.number === 8) opset = readOpset(field.bytes) ?? opset;
    else if (field.number === 25) throw unsupported('file', 'a function of the model’s own');
  }
  if (graph === undefined) throw malformed('file', 'no graph');
  if (opset === undefined || opset < OPSETS.min || opset > OPSETS.max)
    throw unsupported('file', `version ${opset ?? 'none'} of the operators`);
  return readGraph(graph, opset);
}

/** The version of ONNX's own operators; other sets are met where a node uses them. */
function readOpset(message: Uint8Array): number | undefined {
  let [domain, version] = ['', 0];
  for (const field of fields('opset', message)) {
    if (field.number === 1) domain = textOf('opset', field);
    else if (field.number === 2) version = field.value;
  }
  return domain === '' || domain === 'ai.onnx' ? version : undefined;
}

function readGraph(message: Uint8Array, opset: number): Model {
  const nodes: ModelNode[] = [];
  const constants = new Map<string, ModelTensor>();
  const inputs: ModelValue[] = [];
  const outputs: ModelValue[] = [];
  for (const field of fields('graph', message)) {
    if (field.number === 1) {
      limits.checkCount('graph', 'nodes', nodes.length + 1, limits.MAX_NODES);
      nodes.push(readNode(`node ${nodes.length}`, field.bytes));
    } else if (field.number === 5) addConstant(constants, field);
    else if (field.number === 11) inputs.push(readValue(`input ${inputs.length}`, field.bytes));
    else if (field.number === 12) outputs.push(readValue(`output ${outputs.length}`, field.bytes));
    else if (field.number === 15) throw unsupported('graph', 'a sparse constant');
    limits.checkCount(
      'graph',
      'inputs or outputs',
      Math.max(inputs.length, outputs.length),
      limits.MAX_NODE_VALUES,
    );
  }
  if (outputs.length === 0) throw malformed('graph', 'no output');
  return checkOrder({
    source: 'onnx',
    opset,
    layout: 'channels-first',
    // Older files list constants among their inputs.
    inputs: inputs.filter(({ name }) => !constants.has(name)),
    outputs,
    nodes,
    constants,
  });
}

function addConstant(constants: Map<string, ModelTensor>, { bytes }: Field): void {
  limits.checkCount('graph', 'constants', constants.size + 1, limits.MAX_CONSTANTS);
  const { name, tensor } = readTensor(`constant ${constants.size}`, bytes);
  if (name === '' || constants.has(name)) throw malformed(`constant ${constants.size}`, 'no name of its own');
  constants.set(name, tensor);
}

function readNode(place: string, message: Uint8Array): ModelNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Attribute>();
  let [name, operator, domain] = ['', '', ''];
  const raw: Uint8Array[] = [];
  for (const field of fields(place, message)) {
    if (field.number === 1) inputs.push(textOf(place, field));
    else if (field.number === 2) outputs.push(textOf(place, field));
    else if (field.number === 3) name = textOf(place, field);
    else if (field.number === 4) operator = textOf(place, field);
    else if (field.number === 5) raw.push(field.bytes);
    else if (field.number === 7) domain = textOf(place, field);
    limits.checkCount(place, 'inputs', inputs.length, limits.MAX_NODE_VALUES);
    limits.checkCount(place, 'outputs', outputs.length, limits.MAX_NODE_VALUES);
    limits.checkCount(place, 'attributes', raw.length, limits.MAX_ATTRIBUTES);
  }
  const where = `${place} ${operator}${name === '' ? '' : ` (${name})`}`;
  if (operator === '') throw malformed(place, 'no operator');
  if (outputs.length === 0) throw malformed(where, 'no output');
  if (domain !== '' && domain !== 'ai.onnx' && domain !== 'com.microsoft')
    throw unsupported(where, `the operator ${domain}.${operator}`);
  for (const bytes of raw) addAttribute(where, attributes, bytes);
  return {
    name: where,
    operator: domain === 'com.microsoft' ? `com.microsoft.${operator}` : operator,
    inputs,
    outputs,
    attributes,
  };
}

function addAttribute(where: string, attributes: Map<string, Attribute>, message: Uint8Array): void {
  let [name, type] = ['', 0];
  let [integer, fraction, text] = [0, 0, ''];
  const numbers: number[] = [];
  const texts: string[] = [];
  let tensor: Uint8Array | undefined;
  for (const field of fields(where, message)) {
    if (field.number === 1) name = textOf(where, field);
    else if (field.number === 2) fraction = numbersOf(where, field, 'float')[0] ?? 0;
    else if (field.number === 3) integer = field.value;
    else if (field.number === 4) text = textOf(where, field);
    else if (field.number === 5) tensor = field.bytes;
    else if (field.number === 7) append(where, numbers, numbersOf(where, field, 'float'));
    else if (field.number === 8) append(where, numbers, numbersOf(where, field, 'varint'));
    else if (field.number === 9) append(where, texts, [textOf(where, field)]);
    else if ([6, 11].includes(field.number)) throw unsupported(where, 'a graph inside a node');
    else if (field.number === 20) type = field.value;
    else if ([10, 21, 22, 23, 14, 15].includes(field.number))
      throw unsupported(where, `the attribute ${name}`);
  }
  const inner = `${where} attribute ${name}`;
  const values: Readonly<Record<number, () => Attribute>> = {
    1: () => fraction,
    2: () => integer,
    3: () => text,
    4: () => readTensor(inner, tensor ?? new Uint8Array(0)).tensor,
    6: () => numbers,
    7: () => numbers,
    8: () => texts,
  };
  const value = values[type];
  if (name === '' || attributes.has(name) || value === undefined)
    throw malformed(inner, 'no attribute of a known type');
  attributes.set(name, value());
}

function append<T>(where: string, list: T[], more: readonly T[]): void {
  limits.checkCount(where, 'values of an attribute', list.length + more.length, limits.MAX_LIST);
  for (const value of more) list.push(value);
}

function readValue(place: string, message: Uint8Array): ModelValue {
  let name = '';
  let type: { readonly code: number; readonly shape: readonly (number | null)[] } | undefined;
  for (const field of fields(place, message)) {
    if (field.number === 1) name = textOf(place, field);
    else if (field.number === 2) type = readType(place, field.bytes);
  }
  if (name === '' || type === undefined) throw malformed(place, 'no name or no type');
  return { name, dtype: typeOf(`${place} ${name}`, type.code), shape: type.shape };
}

function readType(
  place: string,
  message: Uint8Array,
): { readonly code: number; readonly shape: readonly (number | null)[] } {
  const shape: (number | null)[] = [];
  let code = 0;
  for (const kind of fields(place, message)) {
    if (kind.number !== 1) {
      if (kind.number === 6) continue;
      throw unsupported(place, 'a value that is no tensor');
    }
    for (const part of fields(place, kind.bytes)) {
      if (part.number === 1) code = part.value;
      if (part.number === 2)
        for (const dimension of fields(place, part.bytes)) {
          limits.checkCount(place, 'dimensions', shape.length + 1, limits.MAX_RANK);
          shape.push(readDimension(place, dimension.bytes));
        }
    }
  }
  return { code, shape };
}

function readDimension(place: string, message: Uint8Array): number | null {
  for (const field of fields(place, message))
    if (field.number === 1) {
      if (field.value < 0 || field.value > limits.MAX_ELEMENTS)
        throw malformed(place, `a dimension of ${field.value}`);
      return field.value === 0 ? null : field.value;
    }
  return null;
}
