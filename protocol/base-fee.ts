import { invariant } from './invariant.js';
import type { ChainParams } from './params.js';
import type { Header } from './types/header.js';

type FeeParams = Pick<ChainParams['blocks'], 'gasElasticity' | 'baseFeeChangeDenominator' | 'minBaseFeeWei'>;
type Parent = Pick<Header, 'gasUsed' | 'gasLimit' | 'baseFeeWei'>;

/**
 * Base fee of the block after `parent` (EIP-1559): it rises while blocks use more than the target, falls while they use less, by at
 * most 1/baseFeeChangeDenominator, and never below the chain's minimum.
 */
export function nextBaseFeeWei(parent: Parent, params: FeeParams): bigint {
  const { baseFeeWei } = parent;
  invariant(parent.gasUsed <= parent.gasLimit, 'a block uses no more gas than its limit');
  const target = BigInt(Math.floor(parent.gasLimit / params.gasElasticity));
  const used = BigInt(parent.gasUsed);
  const denominator = BigInt(params.baseFeeChangeDenominator);
  if (used === target) return baseFeeWei;
  if (used > target) {
    const rise = (baseFeeWei * (used - target)) / target / denominator;
    return baseFeeWei + (rise > 1n ? rise : 1n);
  }
  const fall = (baseFeeWei * (target - used)) / target / denominator;
  const lower = baseFeeWei - fall;
  return lower > params.minBaseFeeWei ? lower : params.minBaseFeeWei;
}
