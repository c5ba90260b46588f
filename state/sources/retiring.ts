import type { Address } from '../../protocol/address.js';
import { invariant } from '../../protocol/invariant.js';
import { credit } from '../accounts/account.js';
import { Revert } from '../modules/module.js';
import { schedule } from '../queues/due.js';
import type { Overlay } from '../store/overlay.js';
import { DUE } from '../system/due-kinds.js';
import type { Scope } from '../transition/block-context.js';
import { CLOSED_BY_OWNER, ERRORS, EVENTS } from './abi.js';
import { attestations, attestedPower } from './attestations.js';
import { knownSource } from './attesting.js';
import { forgetReview } from './openness.js';
import { isOwner, removeSourceGraph, SOURCE_OPEN, SOURCE_RETIRED, sources, type Source } from './source.js';

/**
 * A source takes no more jobs. Its bond returns, and it is forgotten, an unbonding time after its last job.
 *
 * @throws Revert UnknownSource | NotOwner | SourceIsRetired
 */
export function retire(scope: Scope, id: Uint8Array, caller: Address): void {
  const { state } = scope;
  const source = knownSource(scope, id);
  if (!isOwner(source, caller)) throw new Revert(ERRORS.NotOwner, [source.owner]);
  if (source.status === SOURCE_RETIRED) throw new Revert(ERRORS.SourceIsRetired, [id]);
  if (source.status === SOURCE_OPEN) {
    forgetReview(state, id);
    const { capable, total } = attestedPower(state, id);
    scope.emit(EVENTS.SourceClosed, [id, BigInt(CLOSED_BY_OWNER), BigInt(capable), BigInt(total)]);
  }
  sources.write(state, releaseWhenIdle(scope, id, { ...source, status: SOURCE_RETIRED }), id);
  scope.emit(EVENTS.SourceRetired, [id, BigInt(source.openJobs)]);
}

/** Counts a job of an open source that has begun. */
export function countJobOpened(state: Overlay, id: Uint8Array): void {
  const source = sources.read(state, id);
  invariant(source.status === SOURCE_OPEN, 'only an open source takes jobs');
  sources.write(state, { ...source, openJobs: source.openJobs + 1 }, id);
}

/** Counts a job that is final: with the last one of a retired source the time until its bond returns begins. */
export function countJobClosed(scope: Omit<Scope, 'emit'>, id: Uint8Array): void {
  const source = sources.read(scope.state, id);
  invariant(source.openJobs > 0, 'a job that ends has begun');
  const counted = { ...source, openJobs: source.openJobs - 1 };
  sources.write(scope.state, releaseWhenIdle(scope, id, counted), id);
}

/** Pays the bond of a retired source back and forgets it. */
export function releaseSource(scope: Scope, id: Uint8Array): void {
  const { state } = scope;
  const { owner, bondWei, status, openJobs } = sources.read(state, id);
  invariant(status === SOURCE_RETIRED && openJobs === 0, 'what is released is retired and idle');
  credit(state, owner, bondWei);
  sources.remove(state, id);
  removeSourceGraph(state, id);
  attestations.remove(state, id);
  scope.emit(EVENTS.SourceRemoved, [id, owner, bondWei]);
}

/** @returns the source, with the moment of its release where nothing holds it up any more */
function releaseWhenIdle({ state, block }: Omit<Scope, 'emit'>, id: Uint8Array, source: Source): Source {
  if (source.status !== SOURCE_RETIRED || source.openJobs > 0) return source;
  const { unbondingMs, unbondingBlocks } = block.params.sources;
  const [dueMs, dueHeight] = [block.timeMs + unbondingMs, block.height + unbondingBlocks];
  schedule(state, { timeMs: dueMs, height: dueHeight, kind: DUE.sourceBond, subject: id });
  return { ...source, release: [{ dueMs, dueHeight }] };
}
