import type { Address } from '../../protocol/address.js';
import { stateIdOf, type Opening } from '../../protocol/audit/commitment.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { hasCome } from '../../protocol/moment.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import { askedItems, isItem, MAX_PUBLISHED_BYTES } from '../../consensus/verification/publishing.js';
import type { AuditEvent } from '../../consensus/verification/step.js';
import { Revert } from '../modules/module.js';
import { ERRORS, EVENTS } from './abi.js';
import { knownJob, openAttempt, tell } from './advancing.js';
import { actingProvider } from './claiming.js';
import type { Job } from './job.js';
import { refusal } from './life.js';
import { addItem, MAX_ITEMS, progressOf } from './publications.js';
import type { JobScope } from './settling.js';

/** What only the provider of an attempt can do. @throws Revert UnknownJob | JobForgotten | NotProvider | Refused */
export function provide(scope: JobScope, id: Uint8Array, caller: Address, event: AuditEvent): void {
  ownAttempt(scope, id, caller);
  tell(scope, id, event);
}

/**
 * Puts one piece of what verifiers miss on the chain; with the last one it is published.
 *
 * @throws Revert UnknownJob | JobForgotten | NotProvider | Refused | NotAsked | ItemMismatch | TooMuchData
 */
export function publish(
  scope: JobScope,
  id: Uint8Array,
  caller: Address,
  item: number,
  data: Uint8Array,
  proof: Pick<Opening, 'salt' | 'branch'>,
): void {
  const { state, block, emit } = scope;
  const { job, attempt } = ownAttempt(scope, id, caller);
  if (attempt.phase !== 'PUBLISHING') throw refusal(job, attempt, 'WRONG_PHASE');
  if (hasCome(attempt.deadline, block)) throw refusal(job, attempt, 'TOO_LATE');
  const { bytes, items } = progressOf(state, id, attempt);
  if (items.includes(item) || !askedItems(attempt).includes(item)) {
    throw new Revert(ERRORS.NotAsked, [BigInt(item)]);
  }
  if (bytes + data.length > MAX_PUBLISHED_BYTES || items.length >= MAX_ITEMS) {
    throw new Revert(ERRORS.TooMuchData, [BigInt(MAX_PUBLISHED_BYTES)]);
  }
  const stateId = stateIdOf(data);
  if (!isItem(attempt, item, data, proof)) throw new Revert(ERRORS.ItemMismatch, [BigInt(item), stateId]);
  const isAll = addItem(state, id, attempt, item, data.length);
  emit(EVENTS.ItemPublished, [id, BigInt(attempt.terms.attempt), BigInt(item), stateId]);
  if (isAll) tell(scope, id, { kind: 'published' });
}

function ownAttempt(
  scope: JobScope,
  id: Uint8Array,
  caller: Address,
): { readonly job: Job; readonly attempt: Attempt } {
  const job = knownJob(scope, id);
  const { master } = actingProvider(scope, caller);
  const attempt = openAttempt(scope, id, job);
  if (attempt === undefined) throw refusal(job, attempt, job.reason > 0 ? 'ENDED' : 'WRONG_PHASE');
  if (!bytesEqual(master, attempt.terms.provider)) throw new Revert(ERRORS.NotProvider, [caller]);
  return { job, attempt };
}
