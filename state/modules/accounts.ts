import { abiFunction } from '../../protocol/abi/signature.js';
import { TOTAL_SUPPLY_WEI } from '../../protocol/amounts.js';
import { readAccount } from '../accounts/account.js';
import { MODULE_ADDRESSES } from './addresses.js';
import { bytesArgument } from './arguments.js';
import { defineModule } from './module.js';

export const accountsModule = defineModule({
  name: 'accounts',
  address: MODULE_ADDRESSES.accounts,
  functions: [
    {
      item: abiFunction('balanceOf(address account) view returns (uint256 balanceWei)'),
      notice: 'Balance of an account in wei.',
      gas: 3_000,
      run: ({ state }, values) => [readAccount(state, bytesArgument(values, 0)).balanceWei],
    },
    {
      item: abiFunction('nonceOf(address account) view returns (uint64 nonce)'),
      notice: 'How many transactions an account has sent.',
      gas: 3_000,
      run: ({ state }, values) => [BigInt(readAccount(state, bytesArgument(values, 0)).nonce)],
    },
    {
      item: abiFunction('totalSupply() view returns (uint256 supplyWei)'),
      notice: 'All the wei there are, for ever.',
      gas: 1_000,
      run: () => [TOTAL_SUPPLY_WEI],
    },
  ],
  events: [],
  errors: [],
});
