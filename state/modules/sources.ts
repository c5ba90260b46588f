import { abiFunction } from '../../protocol/abi/signature.js';
import { countNodes } from '../../protocol/graph/encode.js';
import { ERRORS, EVENTS } from '../sources/abi.js';
import { attest, knownSource, review } from '../sources/attesting.js';
import { attestations, attestedPower, capableVerifiers } from '../sources/attestations.js';
import { isOpen } from '../sources/openness.js';
import { register } from '../sources/registering.js';
import { retire } from '../sources/retiring.js';
import { readSourceGraph, sourceBondWei } from '../sources/source.js';
import { MODULE_ADDRESSES } from './addresses.js';
import { bytesArgument, uintArgument } from './arguments.js';
import { defineModule, type ModuleFunction } from './module.js';

/** Checking a graph, by the time it takes beside transfers: for each byte that is read and kept, and for each node. */
const GRAPH_BYTE_GAS = 320;
const GRAPH_NODE_GAS = 13_000;

/** Reads what every validator of the largest set has said. */
const TALLY_GAS = 900_000;

const calls: readonly ModuleFunction[] = [
  {
    item: abiFunction('register(bytes graph) payable returns (bytes32 source)'),
    notice:
      'Registers a program by its encoded graph and locks a bond; what is sent beyond it, or for one that is there, comes back.',
    gas: 200_000,
    gasOfArguments: (values) => {
      const graph = bytesArgument(values, 0);
      return GRAPH_BYTE_GAS * graph.length + GRAPH_NODE_GAS * countNodes(graph);
    },
    run: (call, values) => [register(call, call.caller, bytesArgument(values, 0), call.valueWei)],
  },
  {
    item: abiFunction('attest(bytes32 source, address validator, uint8 verdict)'),
    notice:
      'An active validator says that it can run a source (1), that it cannot (2), or nothing any more (0); for owner and operator.',
    gas: TALLY_GAS,
    run: (call, values) => {
      const verdict = Number(uintArgument(values, 2));
      attest(call, bytesArgument(values, 0), bytesArgument(values, 1), verdict, call.caller);
      return [];
    },
  },
  {
    item: abiFunction('review(bytes32 source)'),
    notice: 'Opens or closes a source as the present validators say; for anybody.',
    gas: TALLY_GAS,
    run: (call, values) => {
      review(call, bytesArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('retire(bytes32 source)'),
    notice:
      'The source of the caller takes no more jobs; its bond returns by itself some time after the last one.',
    gas: TALLY_GAS,
    run: (call, values) => {
      retire(call, bytesArgument(values, 0), call.caller);
      return [];
    },
  },
];

const views: readonly ModuleFunction[] = [
  {
    item: abiFunction(
      'source(bytes32 id) view returns (address owner, uint8 status, uint8 kind, bytes32 weightsHash, uint256 bondWei, uint64 openJobs, uint64 registeredMs, bool takesJobs)',
    ),
    notice:
      'A registered program; status 0 waits for verifiers, 1 open, 2 retired; kind 0 batch, 1 chain; whether it takes jobs now.',
    gas: TALLY_GAS,
    run: (call, values) => {
      const id = bytesArgument(values, 0);
      const source = knownSource(call, id);
      return [
        source.owner,
        BigInt(source.status),
        BigInt(source.kind),
        source.weightsHash,
        source.bondWei,
        BigInt(source.openJobs),
        BigInt(source.registeredMs),
        isOpen(call.state, id),
      ];
    },
  },
  {
    item: abiFunction(
      'work(bytes32 id) view returns (uint64 macs, uint64 steps, uint64 bytesMoved, uint64 dispatches, uint64 memoryBytes, uint64 weightBytes, uint64 inputBytes, uint64 outputBytes)',
    ),
    notice: 'What one segment of a source costs, as metered, and the memory that a device needs for it.',
    gas: 20_000,
    run: (call, values) => {
      const { work } = knownSource(call, bytesArgument(values, 0));
      const { macs, steps, bytes, dispatches, memoryBytes, weightBytes, inputBytes, outputBytes } = work;
      const numbers = [macs, steps, bytes, dispatches, memoryBytes, weightBytes, inputBytes, outputBytes];
      return numbers.map(BigInt);
    },
  },
  {
    item: abiFunction('graph(bytes32 id) view returns (bytes graph)'),
    notice: 'The encoded graph of a source, as it was registered.',
    gas: 200_000,
    run: (call, values) => {
      const id = bytesArgument(values, 0);
      knownSource(call, id);
      return [readSourceGraph(call.state, id) ?? new Uint8Array(0)];
    },
  },
  {
    item: abiFunction(
      'attestations(bytes32 id) view returns (address[] validators, uint8[] verdicts, uint64[] heights)',
    ),
    notice: 'What validators have said of a source, and at which height.',
    gas: TALLY_GAS,
    run: (call, values) => {
      const id = bytesArgument(values, 0);
      knownSource(call, id);
      const said = attestations.find(call.state, id) ?? [];
      return [
        said.map(({ validator }) => validator),
        said.map(({ verdict }) => BigInt(verdict)),
        said.map(({ height }) => BigInt(height)),
      ];
    },
  },
  {
    item: abiFunction(
      'verifiers(bytes32 id) view returns (address[] validators, uint64 capablePower, uint64 totalPower)',
    ),
    notice:
      'Active validators that can run a source, and their voting power beside that of all, in millionths of OGPU.',
    gas: 3_000_000,
    run: (call, values) => {
      const id = bytesArgument(values, 0);
      knownSource(call, id);
      const { capable, total } = attestedPower(call.state, id);
      return [capableVerifiers(call.state, id).map((each) => each.id), BigInt(capable), BigInt(total)];
    },
  },
  {
    item: abiFunction('bondOf(uint32 graphBytes) view returns (uint256 bondWei)'),
    notice: 'Bond of a program whose encoded graph has so many bytes, in wei.',
    gas: 3_000,
    run: ({ block }, values) => [sourceBondWei(block.params, Number(uintArgument(values, 0)))],
  },
];

export const sourcesModule = defineModule({
  name: 'sources',
  address: MODULE_ADDRESSES.sources,
  functions: [...calls, ...views],
  events: Object.values(EVENTS),
  errors: Object.values(ERRORS),
});
