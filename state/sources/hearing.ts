import type { Address } from '../../protocol/address.js';
import { AUDIT_SOURCE_RUNNABLE } from '../../protocol/types/audit.js';
import { entriesOf } from '../../consensus/verification/entries.js';
import { isMember, nextValidators } from '../staking/active-set.js';
import type { Scope } from '../transition/block-context.js';
import type { Said } from '../transition/block-input.js';
import { CLOSED_BY_ATTESTATION, EVENTS } from './abi.js';
import { CAN_RUN, verdictOf, writeAttestation } from './attestations.js';
import { reviewSource } from './openness.js';
import { SOURCE_RETIRED, sources } from './source.js';

/**
 * Active validators that say with their votes that they can run a source, each of one source in a block, for each is tallied. What was said
 * before or is of no use is passed over.
 */
export function hearAttestations(scope: Scope, said: readonly Said[]): void {
  for (const { validator, content } of said) {
    const entry = entriesOf(content).find(({ kind }) => kind === AUDIT_SOURCE_RUNNABLE);
    if (entry !== undefined) attestBySeat(scope, entry.subject, validator);
  }
}

function attestBySeat(scope: Scope, id: Uint8Array, validator: Address): void {
  const { state, block } = scope;
  const source = sources.find(state, id);
  if (source === undefined || source.status === SOURCE_RETIRED) return;
  if (verdictOf(state, id, validator) === CAN_RUN || !isMember(nextValidators(state), validator)) return;
  writeAttestation(state, id, validator, { verdict: CAN_RUN, height: block.height });
  scope.emit(EVENTS.SourceAttested, [id, validator, BigInt(CAN_RUN)]);
  reviewSource(scope, id, source, CLOSED_BY_ATTESTATION);
}
