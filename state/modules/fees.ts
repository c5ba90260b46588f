import { abiFunction } from '../../protocol/abi/signature.js';
import { addToPool, poolBalanceWei } from '../accounts/pools.js';
import { unsettledRewardsWei } from '../staking/rewards.js';
import { MODULE_ADDRESSES } from './addresses.js';
import { declareEvent } from './declare.js';
import { defineModule } from './module.js';

export const FEE_EVENTS = {
  EmissionPaid: declareEvent(
    'EmissionPaid(uint64 indexed epoch, uint256 amountWei)',
    'The reserve paid the validators of an epoch, in wei.',
  ),
  VerifierPoolFunded: declareEvent(
    'VerifierPoolFunded(address indexed from, uint256 amountWei)',
    'Somebody gave to the verifier pool, in wei.',
  ),
} as const;

export const feesModule = defineModule({
  name: 'fees',
  address: MODULE_ADDRESSES.fees,
  functions: [
    {
      item: abiFunction('baseFee() view returns (uint256 weiPerGas)'),
      notice: 'Base fee of this block, in wei for one unit of gas.',
      gas: 1_000,
      run: ({ block }) => [block.baseFeeWei],
    },
    {
      item: abiFunction('reserve() view returns (uint256 balanceWei)'),
      notice: 'What is left to pay validators by schedule, in wei.',
      gas: 3_000,
      run: ({ state }) => [poolBalanceWei(state, 'reserve')],
    },
    {
      item: abiFunction('verifierPool() view returns (uint256 balanceWei)'),
      notice: 'What is there to pay for re-execution, in wei.',
      gas: 3_000,
      run: ({ state }) => [poolBalanceWei(state, 'verifierPool')],
    },
    {
      item: abiFunction('unsettledRewards() view returns (uint256 amountWei)'),
      notice: 'Rewards of the active set that no member has settled yet, in wei.',
      gas: 3_000,
      run: ({ state }) => [unsettledRewardsWei(state)],
    },
    {
      item: abiFunction('fundVerifierPool() payable'),
      notice: 'Gives the value to the verifier pool.',
      gas: 20_000,
      run: ({ state, caller, valueWei, emit }) => {
        addToPool(state, 'verifierPool', valueWei);
        emit(FEE_EVENTS.VerifierPoolFunded, [caller, valueWei]);
        return [];
      },
    },
  ],
  events: Object.values(FEE_EVENTS),
  errors: [],
});
