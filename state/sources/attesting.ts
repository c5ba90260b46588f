import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { Revert } from '../modules/module.js';
import { isMember, nextValidators } from '../staking/active-set.js';
import { validators } from '../staking/validator.js';
import type { Scope } from '../transition/block-context.js';
import { CLOSED_BY_ATTESTATION, CLOSED_BY_SET, ERRORS, EVENTS } from './abi.js';
import { CAN_RUN, CANNOT_JUDGE, verdictOf, writeAttestation } from './attestations.js';
import { reviewSource } from './openness.js';
import { SOURCE_RETIRED, sources, type Source } from './source.js';

/** Takes back what was said. */
const NOTHING = 0;

/**
 * What a validator says of a source, by owner or operator of the validator. A second word replaces the first.
 *
 * @throws Revert UnknownSource | InvalidVerdict | UnknownValidator | NotOwnerOrOperator | NotActive | SourceIsRetired
 */
export function attest(
  scope: Scope,
  id: Uint8Array,
  validator: Address,
  verdict: number,
  caller: Address,
): void {
  const { state, block } = scope;
  const source = knownSource(scope, id);
  if (![NOTHING, CAN_RUN, CANNOT_JUDGE].includes(verdict)) {
    throw new Revert(ERRORS.InvalidVerdict, [BigInt(verdict)]);
  }
  assertSpeaksFor(scope, validator, caller);
  if (verdict !== NOTHING) {
    if (source.status === SOURCE_RETIRED) throw new Revert(ERRORS.SourceIsRetired, [id]);
    if (!isMember(nextValidators(state), validator)) throw new Revert(ERRORS.NotActive, [validator]);
  }
  writeAttestation(state, id, validator, verdict === NOTHING ? undefined : { verdict, height: block.height });
  scope.emit(EVENTS.SourceAttested, [id, validator, BigInt(verdict)]);
  reviewSource(scope, id, source, CLOSED_BY_ATTESTATION);
}

/** What an active validator says in its vote extension: that it can run a source. Said before or of no use, it is passed over. */
export function attestBySeat(scope: Scope, id: Uint8Array, validator: Address): void {
  const { state, block } = scope;
  const source = sources.find(state, id);
  if (source === undefined || source.status === SOURCE_RETIRED) return;
  if (verdictOf(state, id, validator) === CAN_RUN || !isMember(nextValidators(state), validator)) return;
  writeAttestation(state, id, validator, { verdict: CAN_RUN, height: block.height });
  scope.emit(EVENTS.SourceAttested, [id, validator, BigInt(CAN_RUN)]);
  reviewSource(scope, id, source, CLOSED_BY_ATTESTATION);
}

/** Opens or closes a source as the present validators say; for anybody. @throws Revert UnknownSource */
export function review(scope: Scope, id: Uint8Array): void {
  reviewSource(scope, id, knownSource(scope, id), CLOSED_BY_SET);
}

/** @throws Revert UnknownSource */
export function knownSource({ state }: Pick<Scope, 'state'>, id: Uint8Array): Source {
  const source = sources.find(state, id);
  if (source === undefined) throw new Revert(ERRORS.UnknownSource, [id]);
  return source;
}

function assertSpeaksFor({ state }: Scope, id: Address, caller: Address): void {
  const validator = validators.find(state, id);
  if (validator === undefined) throw new Revert(ERRORS.UnknownValidator, [id]);
  if (!bytesEqual(caller, id) && !bytesEqual(caller, validator.operator)) {
    throw new Revert(ERRORS.NotOwnerOrOperator, [caller]);
  }
}
