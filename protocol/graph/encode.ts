import { createCodec } from '../ssz/codec.js';
import {
  bytes32,
  ContainerType,
  listOf,
  numbersOf,
  uint16,
  uint32,
  uint8,
  type ValueOf,
} from '../ssz/types.js';
import { refuseFaults, type GraphFault } from './faults.js';
import { INPUT_ROLES, type Graph } from './graph.js';
import {
  MAX_ATTRIBUTES,
  MAX_GRAPH_BYTES,
  MAX_GRAPH_CONSTANTS,
  MAX_GRAPH_INPUTS,
  MAX_GRAPH_NODES,
  MAX_GRAPH_OUTPUTS,
  MAX_OPERANDS,
  MAX_RANK,
} from './limits.js';
import { nodeFromWire, nodeToWire } from './encode-node.js';
import { wireInteger, integerFromWire } from './wire-integers.js';
import { DATA_TYPES, type Range, type TensorType } from './tensors.js';

const TensorTypeFields = {
  type: uint8,
  shape: numbersOf(uint32, MAX_RANK),
  /** Two's complement. */
  min: uint32,
  max: uint32,
};

export const GraphType = new ContainerType({
  version: uint8,
  weightsHash: bytes32,
  inputs: listOf(new ContainerType({ role: uint8, ...TensorTypeFields }), MAX_GRAPH_INPUTS),
  constants: listOf(new ContainerType(TensorTypeFields), MAX_GRAPH_CONSTANTS),
  nodes: listOf(
    new ContainerType({
      operator: uint8,
      operands: numbersOf(uint16, MAX_OPERANDS),
      attributes: numbersOf(uint32, MAX_ATTRIBUTES),
    }),
    MAX_GRAPH_NODES,
  ),
  outputs: numbersOf(uint16, MAX_GRAPH_OUTPUTS),
});

type WireGraph = ValueOf<typeof GraphType>;
type WireTensor = Pick<WireGraph['constants'][number], 'type' | 'shape' | 'min' | 'max'>;

const wireCodec = createCodec('Graph', GraphType, { maxBytes: MAX_GRAPH_BYTES });

/** @throws SszError where a value does not fit the schema: a bug of the caller; whether the graph is valid is for `checkGraph` to say */
export function encodeGraph(graph: Graph): Uint8Array {
  return wireCodec.encode(graphToWire(graph));
}

/**
 * The one graph that `bytes` encode: `encodeGraph` of it gives the same bytes. It is not checked beyond that.
 *
 * @throws SszError where the bytes are malformed; GraphError with every node, input or constant that means nothing
 */
export function decodeGraph(bytes: Uint8Array): Graph {
  const wire = wireCodec.decode(bytes);
  const faults: GraphFault[] = [];
  const inputs = wire.inputs.map((input, index) => {
    const role = INPUT_ROLES[input.role];
    if (role === undefined) {
      faults.push({
        path: `inputs[${index}]`,
        code: 'ATTRIBUTE_INVALID',
        message: `role ${input.role} is not known`,
      });
    }
    return { role: role ?? 'item', ...tensorFromWire(input, `inputs[${index}]`, faults) };
  });
  const constants = wire.constants.map((constant, index) =>
    tensorFromWire(constant, `constants[${index}]`, faults),
  );
  const nodes = wire.nodes.flatMap((node, index) => nodeFromWire(node, index, faults) ?? []);
  refuseFaults(faults);
  const { version, weightsHash, outputs } = wire;
  return { version, weightsHash, inputs, constants, nodes, outputs };
}

/**
 * How many nodes bytes claim to encode, told without decoding them: no more than `decodeGraph` would make of them, and as many where they
 * are a graph. 0 for what is none.
 */
export function countNodes(bytes: Uint8Array): number {
  if (bytes.length < FIXED_BYTES) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [begin, end] = [view.getUint32(NODES_OFFSET, true), view.getUint32(NODES_OFFSET + 4, true)];
  if (begin > bytes.length - 4 || begin >= end) return 0;
  // A list begins with the places of its elements, and the first of them lies behind these.
  return Math.min(Math.floor(view.getUint32(begin, true) / 4), MAX_GRAPH_NODES);
}

/** Version and weights hash, then where inputs, constants, nodes and outputs begin. */
const FIXED_BYTES = 1 + 32 + 4 * 4;
const NODES_OFFSET = 1 + 32 + 2 * 4;

/** Names a program for ever: the SSZ root of its graph, which holds the hash of its weights. @throws SszError as `encodeGraph` */
export function programHash(graph: Graph): Uint8Array {
  return wireCodec.root(graphToWire(graph));
}

function graphToWire(graph: Graph): WireGraph {
  return {
    version: graph.version,
    weightsHash: graph.weightsHash,
    inputs: graph.inputs.map((input) => ({ role: INPUT_ROLES.indexOf(input.role), ...tensorToWire(input) })),
    constants: graph.constants.map(tensorToWire),
    nodes: graph.nodes.map(nodeToWire),
    outputs: [...graph.outputs],
  };
}

function tensorToWire({ type, shape, min, max }: TensorType & Range): WireTensor {
  return {
    type: DATA_TYPES.indexOf(type),
    shape: [...shape],
    min: wireInteger(min),
    max: wireInteger(max),
  };
}

function tensorFromWire(wire: WireTensor, path: string, faults: GraphFault[]): TensorType & Range {
  const type = DATA_TYPES[wire.type];
  if (type === undefined)
    faults.push({ path, code: 'ATTRIBUTE_INVALID', message: `element type ${wire.type} is not known` });
  return {
    type: type ?? 'int8',
    shape: wire.shape,
    min: integerFromWire(wire.min),
    max: integerFromWire(wire.max),
  };
}
