import { abiEvent, abiFunction } from '../../protocol/abi/signature.js';
import { addToPool, poolBalanceWei } from '../accounts/pools.js';
import { unsettledRewardsWei } from '../staking/rewards.js';
import { MODULE_ADDRESSES } from './addresses.js';
import { defineModule } from './module.js';

export const FEE_EVENTS = {
  EmissionPaid: abiEvent('EmissionPaid(uint64 indexed epoch, uint256 amountWei)'),
  VerifierPoolFunded: abiEvent('VerifierPoolFunded(address indexed from, uint256 amountWei)'),
} as const;

export const feesModule = defineModule('fees', MODULE_ADDRESSES.fees, [
  {
    item: abiFunction('baseFee() view returns (uint256 weiPerGas)'),
    gas: 1_000,
    run: ({ block }) => [block.baseFeeWei],
  },
  {
    item: abiFunction('reserve() view returns (uint256 balanceWei)'),
    gas: 3_000,
    run: ({ state }) => [poolBalanceWei(state, 'reserve')],
  },
  {
    item: abiFunction('verifierPool() view returns (uint256 balanceWei)'),
    gas: 3_000,
    run: ({ state }) => [poolBalanceWei(state, 'verifierPool')],
  },
  {
    item: abiFunction('unsettledRewards() view returns (uint256 amountWei)'),
    gas: 3_000,
    run: ({ state }) => [unsettledRewardsWei(state)],
  },
  {
    item: abiFunction('fundVerifierPool() payable'),
    gas: 20_000,
    run: ({ state, caller, valueWei, emit }) => {
      addToPool(state, 'verifierPool', valueWei);
      emit(FEE_EVENTS.VerifierPoolFunded, [caller, valueWei]);
      return [];
    },
  },
]);
