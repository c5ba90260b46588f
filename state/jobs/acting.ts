import type { Address } from '../../protocol/address.js';
import { stateIdOf } from '../../protocol/audit/commitment.js';
import { treeRoot } from '../../protocol/audit/tree.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { openProgram } from '../../protocol/graph/check.js';
import { decodeGraph } from '../../protocol/graph/encode.js';
import { decodeSegmentation, planJob } from '../../protocol/graph/segmentation.js';
import { readPart } from '../../protocol/graph/segments.js';
import { invariant } from '../../protocol/invariant.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import type { AuditEvent, Unsealing } from '../../consensus/verification/step.js';
import { Revert } from '../modules/module.js';
import { providerByOperator } from '../providers/provider.js';
import { readSourceGraph } from '../sources/source.js';
import { ERRORS, EVENTS } from './abi.js';
import { openAttempt } from './attempt.js';
import type { KeptAttempt } from './attempt-record.js';
import type { Job } from './job.js';
import { knownJob } from './keeping.js';
import { applyEvent } from './life.js';
import type { JobScope } from './scope.js';

/*
 * What the parties of an attempt do in transactions. What the rules refuse reverts with their code.
 */

/** An event by the provider of the attempt. @throws Revert UnknownJob | UnknownAttempt | NotProvider | EventRefused */
export function actAsProvider(
  scope: JobScope,
  id: Uint8Array,
  number: number,
  caller: Address,
  event: AuditEvent,
): void {
  const { job, kept } = attemptUnderWay(scope, id, number);
  assertProvider(scope, kept.attempt, caller);
  apply(scope, id, job, kept, event);
}

/** The provider lays open what is judged, and says where the output is. @throws Revert as `actAsProvider` */
export function unseal(
  scope: JobScope,
  id: Uint8Array,
  number: number,
  caller: Address,
  unsealing: Unsealing,
  outputId: Uint8Array,
): void {
  const { job, kept } = attemptUnderWay(scope, id, number);
  assertProvider(scope, kept.attempt, caller);
  apply(scope, id, job, { ...kept, outputId }, { kind: 'unseal', ...unsealing });
  scope.emit(EVENTS.OutputAnnounced, [id, BigInt(number), outputId, unsealing.outputRoot]);
}

/** The provider puts on the chain what is called unavailable. @throws Revert DataMismatch, and as `actAsProvider` */
export function publish(
  scope: JobScope,
  id: Uint8Array,
  number: number,
  caller: Address,
  data: Uint8Array,
): void {
  const { job, kept } = attemptUnderWay(scope, id, number);
  const { attempt } = kept;
  assertProvider(scope, attempt, caller);
  const { publication } = attempt;
  if (publication === undefined) throw new Revert(ERRORS.EventRefused, ['WRONG_PHASE']);
  const isOutput = publication.subject === 'output';
  const expected = isOutput ? (attempt.unsealed?.outputRoot ?? new Uint8Array(32)) : job.input;
  const found = isOutput ? outputRootOf(scope, job, attempt, data) : stateIdOf(data);
  if (!bytesEqual(expected, found)) throw new Revert(ERRORS.DataMismatch, [expected, found]);
  apply(scope, id, job, kept, { kind: 'published' });
  scope.emit(EVENTS.DataPublished, [id, BigInt(number), stateIdOf(data)]);
}

/** Anybody proves that the output is not what was committed to. @throws Revert UnknownJob | UnknownAttempt | EventRefused */
export function proveMismatch(
  scope: JobScope,
  id: Uint8Array,
  number: number,
  finder: Address,
  stateIds: readonly Uint8Array[],
): void {
  const { job, kept } = attemptUnderWay(scope, id, number);
  apply(scope, id, job, kept, { kind: 'proof', stateIds, finder });
}

function attemptUnderWay(
  { state }: JobScope,
  id: Uint8Array,
  number: number,
): { readonly job: Job; readonly kept: KeptAttempt } {
  knownJob(state, id);
  const under = openAttempt(state, id);
  if (under?.kept.attempt.terms.attempt !== number)
    throw new Revert(ERRORS.UnknownAttempt, [id, BigInt(number)]);
  return under;
}

function assertProvider({ state }: JobScope, { terms }: Attempt, caller: Address): void {
  const found = providerByOperator(state, caller);
  if (found === undefined || !bytesEqual(found.master, terms.provider))
    throw new Revert(ERRORS.NotProvider, [terms.provider]);
}

function apply(scope: JobScope, id: Uint8Array, job: Job, kept: KeptAttempt, event: AuditEvent): void {
  const { refused } = applyEvent(scope, id, job, kept, event);
  if (refused !== undefined) throw new Revert(ERRORS.EventRefused, [refused]);
}

/** The root that an output of these bytes has; zeros where it is no output of this job. */
function outputRootOf({ state }: JobScope, job: Job, { terms }: Attempt, data: Uint8Array): Uint8Array {
  if (terms.kind === 'chain') return stateIdOf(data);
  const graph = readSourceGraph(state, job.source);
  invariant(graph !== undefined, 'a source with jobs has its graph');
  const plan = planJob(openProgram(decodeGraph(graph)), decodeSegmentation(job.segmentation));
  if (data.length !== plan.outputBytes) return new Uint8Array(32);
  return treeRoot(
    Array.from({ length: plan.segments }, (_, index) => stateIdOf(readPart(plan, data, index))),
  );
}
