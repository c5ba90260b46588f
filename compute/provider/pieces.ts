import type { Attempt } from '../../consensus/verification/attempt.js';
import { stateIdOf } from '../../protocol/audit/commitment.js';
import { itemBytes } from '../../protocol/audit/job-data.js';
import { treeBranch } from '../../protocol/audit/tree.js';
import { firstState, readPart } from '../../protocol/graph/segments.js';
import { invariant } from '../../protocol/invariant.js';
import type { JobResult, LoadedJob } from '../job-run.js';

/** One piece of data that verifiers miss, with what proves that it is one. */
export interface Piece {
  /** Its number: of a segment, or of a leaf. */
  readonly item: number;
  readonly data: Uint8Array;
  /** Zeros where the piece is not under the root of the commitment. */
  readonly salt: Uint8Array;
  readonly branch: readonly Uint8Array[];
}

type Loaded = Pick<LoadedJob, 'plan' | 'input'>;

/**
 * What a provider puts on the chain when verifiers say that they miss it: parts of its output, or what the judged segments run on. Of a chain
 * only its first state is known from the input; states in its middle it does not keep.
 */
export function piecesOf(attempt: Attempt, { plan, input }: Loaded, result: JobResult | undefined): Piece[] {
  const { terms, publication, segments, escalation } = attempt;
  invariant(publication !== undefined, 'a publication is under way');
  if (publication.subject === 'output')
    return result === undefined ? [] : outputPieces({ plan, input }, result);
  if (terms.kind === 'chain') return [{ item: 0, data: firstState(plan, input), salt: NO_SALT, branch: [] }];
  const judged = publication.subject === 'sealing' ? segments : (escalation?.segments ?? []);
  const items = Array.from({ length: plan.segments }, (_, index) => itemBytes(plan, input, index));
  const ids = items.map(stateIdOf);
  return judged.map((item) => ({
    item,
    data: items[item] ?? new Uint8Array(0),
    salt: NO_SALT,
    branch: treeBranch(ids, item),
  }));
}

function outputPieces({ plan }: Loaded, { stateIds, output }: JobResult): Piece[] {
  if (plan.segmentation.kind === 'steps')
    return [{ item: plan.segments, data: output, salt: NO_SALT, branch: [] }];
  return stateIds.map((_, item) => ({
    item,
    data: readPart(plan, output, item),
    salt: NO_SALT,
    branch: treeBranch(stateIds, item),
  }));
}

const NO_SALT = new Uint8Array(32);
