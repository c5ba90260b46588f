import { MAX_VALIDATORS } from '../limits.js';
import { createCodec } from '../ssz/codec.js';
import { bytes20, bytes48, ContainerType, listOf, uint64, type ValueOf } from '../ssz/types.js';

/** A member of the set that decides a height. */
export const ValidatorType = new ContainerType({
  /** The address the validator was registered with: its identity for ever, whatever keys it rotates to. */
  id: bytes20,
  blsPublicKey: bytes48,
  /** Stake in whole µOGPU (10^12 wei), rounded down: a safe integer, since the supply is 2.1·10^13 µOGPU. */
  votingPower: uint64,
});

/** Ascending by id, without duplicates; the root is `validatorsHash` of a header. */
export const ValidatorSetType = listOf(ValidatorType, MAX_VALIDATORS);

export type Validator = ValueOf<typeof ValidatorType>;
export type ValidatorSet = ValueOf<typeof ValidatorSetType>;

export const validatorSetCodec = createCodec<ValidatorSet>('ValidatorSet', ValidatorSetType);

const WEI_PER_POWER_UNIT = 10n ** 12n;

export function votingPowerOf(stakeWei: bigint): number {
  return Number(stakeWei / WEI_PER_POWER_UNIT);
}
