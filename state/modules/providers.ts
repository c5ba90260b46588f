import { abiFunction } from '../../protocol/abi/signature.js';
import type { AbiFunction, AbiValue } from '../../protocol/abi/types.js';
import type { Address } from '../../protocol/address.js';
import { asciiText } from '../../protocol/names.js';
import { ERRORS, EVENTS, GPUS } from '../providers/abi.js';
import { accept, invite, removeAddress, setPayout } from '../providers/addresses.js';
import { mayClaim } from '../providers/bonds.js';
import { gpuValues } from '../providers/gpus.js';
import { cancelWithdrawal, deposit, withdraw } from '../providers/lockup.js';
import { freeWei, providerByOperator, unbondingWei } from '../providers/provider.js';
import { drain, leave, register, resume, update, type ProviderTerms } from '../providers/registering.js';
import { knownProvider } from '../providers/standing.js';
import { MODULE_ADDRESSES } from './addresses.js';
import { bytesArgument, listArgument, textArgument, uintArgument } from './arguments.js';
import { defineModule, Revert, type ModuleFunction } from './module.js';

/** As `abiFunction`, with the list of GPUs in its place among the inputs or outputs. */
function withGpus(item: AbiFunction, side: 'inputs' | 'outputs', index: number): AbiFunction {
  return { ...item, [side]: item[side].toSpliced(index, 0, GPUS) };
}

const masterFunctions: readonly ModuleFunction[] = [
  {
    item: withGpus(abiFunction('register(string name, address[] invited) payable'), 'inputs', 1),
    notice:
      'Makes the caller the master of a provider with the value as its lockup, and asks addresses to stand for it.',
    gas: 300_000,
    run: (call, values) => {
      const invited = listArgument(values, 2).map((_, index, list) => bytesArgument(list, index));
      register(call, call.caller, termsFrom(values), invited, call.valueWei);
      return [];
    },
  },
  {
    item: withGpus(abiFunction('update(string name)'), 'inputs', 1),
    notice: 'Changes name and GPUs of the provider of the caller.',
    gas: 60_000,
    run: (call, values) => {
      update(call, call.caller, termsFrom(values));
      return [];
    },
  },
  {
    item: abiFunction('invite(address account)'),
    notice: 'Asks an address to stand for the provider of the caller: to claim and to commit.',
    gas: 60_000,
    run: (call, values) => {
      invite(call, call.caller, bytesArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('removeAddress(address account)'),
    notice: 'Takes an address or its invitation off the provider of the caller.',
    gas: 60_000,
    run: (call, values) => {
      removeAddress(call, call.caller, bytesArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('setPayout(address payout)'),
    notice:
      'Changes where earnings go: the caller, or an address that has accepted to stand for its provider.',
    gas: 40_000,
    run: (call, values) => {
      setPayout(call, call.caller, bytesArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('withdraw(uint256 amountWei) returns (uint64 number)'),
    notice: 'Begins to pay out free lockup, in wei; it is paid by itself after the unbonding time.',
    gas: 100_000,
    run: (call, values) => [BigInt(withdraw(call, call.caller, uintArgument(values, 0)))],
  },
  {
    item: abiFunction('cancelWithdrawal(uint64 number)'),
    notice: 'Makes lockup on its way out free again.',
    gas: 100_000,
    run: (call, values) => {
      cancelWithdrawal(call, call.caller, uintArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('drain()'),
    notice: 'Takes no new jobs; those the provider of the caller has go on.',
    gas: 40_000,
    run: (call) => {
      drain(call, call.caller);
      return [];
    },
  },
  {
    item: abiFunction('resume()'),
    notice: 'Takes jobs again.',
    gas: 40_000,
    run: (call) => {
      resume(call, call.caller);
      return [];
    },
  },
  {
    item: abiFunction('exit()'),
    notice: 'Withdraws all lockup; when it is paid the provider is forgotten and its addresses are free.',
    gas: 200_000,
    run: (call) => {
      leave(call, call.caller);
      return [];
    },
  },
];

const otherFunctions: readonly ModuleFunction[] = [
  {
    item: abiFunction('deposit(address provider) payable'),
    notice: 'Adds the value to the lockup of a provider; for anybody, but only its master can withdraw it.',
    gas: 60_000,
    run: (call, values) => {
      deposit(call, bytesArgument(values, 0), call.caller, call.valueWei);
      return [];
    },
  },
  {
    item: abiFunction('accept(address provider)'),
    notice: 'The caller stands for a provider that has asked it to.',
    gas: 80_000,
    run: (call, values) => {
      accept(call, bytesArgument(values, 0), call.caller);
      return [];
    },
  },
  {
    item: abiFunction('renounce(address provider)'),
    notice: 'The caller does not stand for a provider any more, or will not.',
    gas: 60_000,
    run: (call, values) => {
      removeAddress(call, bytesArgument(values, 0), call.caller);
      return [];
    },
  },
];

const views: readonly ModuleFunction[] = [
  {
    item: withGpus(
      abiFunction(
        'provider(address id) view returns (string name, address payout, uint8 status, uint64 sinceMs, bool mayClaim)',
      ),
      'outputs',
      2,
    ),
    notice:
      'What a provider says of itself; status 0 takes jobs, 1 takes no new ones, 2 leaves; whether it may claim now.',
    gas: 20_000,
    run: ({ state, block }, values) => {
      const provider = knownProvider(state, bytesArgument(values, 0));
      return [
        asciiText(provider.name),
        provider.payout,
        gpuValues(provider.gpus),
        BigInt(provider.status),
        BigInt(provider.sinceMs),
        mayClaim(block.params, provider),
      ];
    },
  },
  {
    item: abiFunction('providerOf(address account) view returns (address provider)'),
    notice: 'The provider that an address stands for, its own included.',
    gas: 10_000,
    run: ({ state }, values) => {
      const account = bytesArgument(values, 0);
      const found = providerByOperator(state, account);
      if (found === undefined) throw new Revert(ERRORS.UnknownProvider, [account]);
      return [found.master];
    },
  },
  {
    item: abiFunction('addresses(address id) view returns (address[] accepted, address[] invited)'),
    notice: 'Addresses that stand for a provider besides its master, and those that are only asked to.',
    gas: 20_000,
    run: ({ state }, values) => {
      const { addresses } = knownProvider(state, bytesArgument(values, 0));
      const listed = (flag: number): Address[] =>
        addresses.filter(({ accepted }) => accepted === flag).map(({ address }) => address);
      return [listed(1), listed(0)];
    },
  },
  {
    item: abiFunction(
      'lockup(address id) view returns (uint256 lockupWei, uint256 lockedWei, uint256 unbondingWei, uint256 freeWei)',
    ),
    notice: 'All lockup of a provider in wei: what is in bonds, what is on its way out, and what is free.',
    gas: 20_000,
    run: ({ state }, values) => {
      const provider = knownProvider(state, bytesArgument(values, 0));
      return [provider.lockupWei, provider.lockedWei, unbondingWei(provider), freeWei(provider)];
    },
  },
  {
    item: abiFunction(
      'withdrawals(address id) view returns (uint64[] numbers, uint256[] amountsWei, uint64[] dueMs, uint64[] dueHeights)',
    ),
    notice:
      'Lockup on its way out, in wei, and when it is paid: at these times, in Unix milliseconds, and heights.',
    gas: 20_000,
    run: ({ state }, values): readonly AbiValue[] => {
      const { withdrawals } = knownProvider(state, bytesArgument(values, 0));
      return [
        withdrawals.map(({ number }) => BigInt(number)),
        withdrawals.map(({ amountWei }) => amountWei),
        withdrawals.map(({ dueMs }) => BigInt(dueMs)),
        withdrawals.map(({ dueHeight }) => BigInt(dueHeight)),
      ];
    },
  },
  {
    item: abiFunction(
      'reputation(address id) view returns (uint64 accepted, uint64 rejected, uint64 withheld, uint64 abandoned, uint64 inconclusive, uint64 released, uint256 earnedWei, uint256 slashedWei)',
    ),
    notice: 'How the attempts of a provider have ended, and what it has earned and lost, in wei.',
    gas: 20_000,
    run: ({ state }, values) => {
      const { reputation } = knownProvider(state, bytesArgument(values, 0));
      const { accepted, rejected, withheld, abandoned, inconclusive, released } = reputation;
      const counters = [accepted, rejected, withheld, abandoned, inconclusive, released].map(BigInt);
      return [...counters, reputation.earnedWei, reputation.slashedWei];
    },
  },
];

export const providersModule = defineModule({
  name: 'providers',
  address: MODULE_ADDRESSES.providers,
  functions: [...masterFunctions, ...otherFunctions, ...views],
  events: Object.values(EVENTS),
  errors: Object.values(ERRORS),
});

/** Name and GPUs, the first two arguments. */
function termsFrom(values: readonly AbiValue[]): ProviderTerms {
  const gpus = listArgument(values, 1).map((_, index, list) => {
    const gpu = listArgument(list, index);
    return {
      vendor: textArgument(gpu, 0),
      model: textArgument(gpu, 1),
      vramMiB: Number(uintArgument(gpu, 2)),
      count: Number(uintArgument(gpu, 3)),
    };
  });
  return { name: textArgument(values, 0), gpus };
}
