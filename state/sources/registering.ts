import type { Address } from '../../protocol/address.js';
import { openProgram, type Program } from '../../protocol/graph/check.js';
import { decodeGraph } from '../../protocol/graph/encode.js';
import { GraphError } from '../../protocol/graph/faults.js';
import { isStepGraph } from '../../protocol/graph/graph.js';
import { SszError } from '../../protocol/ssz/types.js';
import { credit } from '../accounts/account.js';
import { Revert } from '../modules/module.js';
import { cancel } from '../queues/due.js';
import { DUE } from '../system/due-kinds.js';
import type { Scope } from '../transition/block-context.js';
import { CLOSED_BY_SET, ERRORS, EVENTS } from './abi.js';
import { reviewSource } from './openness.js';
import {
  SEGMENT_KINDS,
  SOURCE_RETIRED,
  SOURCE_WAITING,
  sourceBondWei,
  sources,
  writeSourceGraph,
  type Source,
} from './source.js';

/**
 * Registers a program: checks all that needs no weights, meters it, keeps its graph, and locks the bond; what was sent beyond it goes back.
 * A program that is there already stays as it is, and all of the value goes back. One that its owner has retired is taken over with a
 * bond in place of his: nobody can keep a program from others by registering it.
 *
 * @returns the program hash, which names the source
 * @throws Revert GraphRefused | BondTooLow
 */
export function register(scope: Scope, owner: Address, graphBytes: Uint8Array, valueWei: bigint): Uint8Array {
  const { state, block } = scope;
  const program = parseProgram(graphBytes);
  const id = program.hash;
  const known = sources.find(state, id);
  if (known !== undefined && known.status !== SOURCE_RETIRED) {
    credit(state, owner, valueWei);
    return id;
  }
  const bondWei = sourceBondWei(block.params, graphBytes.length);
  if (valueWei < bondWei) throw new Revert(ERRORS.BondTooLow, [bondWei, valueWei]);
  credit(state, owner, valueWei - bondWei);
  if (known !== undefined) {
    takeOver(scope, id, known, owner, bondWei);
    return id;
  }
  sources.write(state, sourceOf(program, graphBytes, owner, bondWei, block.timeMs), id);
  writeSourceGraph(state, id, graphBytes);
  scope.emit(EVENTS.SourceRegistered, [id, owner, program.graph.weightsHash, bondWei]);
  return id;
}

/** The new bond answers for what is open; the old one goes back at once. */
function takeOver(scope: Scope, id: Uint8Array, retired: Source, owner: Address, bondWei: bigint): void {
  const { state } = scope;
  cancel(state, DUE.sourceBond, id);
  credit(state, retired.owner, retired.bondWei);
  const revived: Source = { ...retired, owner, bondWei, status: SOURCE_WAITING, release: [] };
  sources.write(state, revived, id);
  scope.emit(EVENTS.SourceTakenOver, [id, owner, retired.owner, retired.bondWei]);
  reviewSource(scope, id, revived, CLOSED_BY_SET);
}

function sourceOf(
  { graph, work }: Program,
  graphBytes: Uint8Array,
  owner: Address,
  bondWei: bigint,
  registeredMs: number,
): Source {
  const kind = isStepGraph(graph) ? 'chain' : 'batch';
  return {
    owner,
    bondWei,
    status: SOURCE_WAITING,
    kind: SEGMENT_KINDS.indexOf(kind),
    weightsHash: graph.weightsHash,
    graphBytes: graphBytes.length,
    nodes: graph.nodes.length,
    work: { ...work },
    registeredMs,
    openJobs: 0,
    release: [],
  };
}

/** Whether its sums overflow only the weights can tell: that is for the verifiers to find out. */
function parseProgram(bytes: Uint8Array): Program {
  try {
    return openProgram(decodeGraph(bytes));
  } catch (error) {
    if (error instanceof SszError) throw new Revert(ERRORS.GraphRefused, [error.code, '$', 1n]);
    if (!(error instanceof GraphError)) throw error;
    const [{ code, path } = { code: 'GRAPH_REFUSED', path: '$' }] = error.faults;
    throw new Revert(ERRORS.GraphRefused, [code, path, BigInt(error.faults.length)]);
  }
}
