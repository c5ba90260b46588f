import type { AbiParameter } from '../../protocol/abi/types.js';
import { declareError, declareEvent } from '../modules/declare.js';

/** GPUs of one kind as a struct of the interface. */
export const GPUS: AbiParameter = {
  name: 'gpus',
  type: 'tuple[]',
  internalType: 'struct IProviders.Gpu[]',
  components: [
    { name: 'vendor', type: 'string' },
    { name: 'model', type: 'string' },
    { name: 'vramMiB', type: 'uint32' },
    { name: 'count', type: 'uint32' },
  ],
};

export const EVENTS = {
  ProviderRegistered: declareEvent(
    'ProviderRegistered(address indexed provider, string name, uint256 lockupWei)',
    'A provider was registered under its master address with so much lockup, in wei.',
  ),
  ProviderUpdated: declareEvent(
    'ProviderUpdated(address indexed provider, string name)',
    'A provider says something else of itself: its name, its GPUs.',
  ),
  ProviderStatusChanged: declareEvent(
    'ProviderStatusChanged(address indexed provider, uint8 indexed status)',
    'A provider takes jobs (0), takes no new ones (1) or leaves (2).',
  ),
  ProviderRemoved: declareEvent(
    'ProviderRemoved(address indexed provider)',
    'A provider has left, all of its lockup is paid, and its addresses are free.',
  ),
  AddressInvited: declareEvent(
    'AddressInvited(address indexed provider, address indexed account)',
    'A provider asks an address to stand for it.',
  ),
  AddressAccepted: declareEvent(
    'AddressAccepted(address indexed provider, address indexed account)',
    'An address stands for a provider from now on.',
  ),
  AddressRemoved: declareEvent(
    'AddressRemoved(address indexed provider, address indexed account)',
    'An address does not stand for a provider any more, or is not asked to.',
  ),
  PayoutChanged: declareEvent(
    'PayoutChanged(address indexed provider, address indexed payout)',
    'Earnings of a provider go to another address.',
  ),
  LockupDeposited: declareEvent(
    'LockupDeposited(address indexed provider, address indexed from, uint256 amountWei)',
    'Lockup of a provider has grown, in wei.',
  ),
  WithdrawalBegun: declareEvent(
    'WithdrawalBegun(address indexed provider, uint64 indexed number, uint256 amountWei, uint64 dueMs, uint64 dueHeight)',
    'Lockup is on its way out: the amount in wei is paid when the block time, in Unix milliseconds, and the height have come.',
  ),
  WithdrawalCancelled: declareEvent(
    'WithdrawalCancelled(address indexed provider, uint64 indexed number, uint256 amountWei)',
    'Lockup on its way out is free again, in wei.',
  ),
  WithdrawalPaid: declareEvent(
    'WithdrawalPaid(address indexed provider, uint64 indexed number, uint256 amountWei)',
    'Lockup was paid to its master, in wei, less what was slashed meanwhile.',
  ),
} as const;

export const ERRORS = {
  UnknownProvider: declareError(
    'UnknownProvider(address provider)',
    'No provider is registered under this address.',
  ),
  AlreadyRegistered: declareError(
    'AlreadyRegistered(address provider)',
    'The caller is a provider already, or stands for this one.',
  ),
  InvalidName: declareError(
    'InvalidName()',
    'A name is 1 to 64 printable ASCII characters without space at either end.',
  ),
  InvalidGpu: declareError(
    'InvalidGpu(uint256 index)',
    'Vendor and model are lower-case letters and digits, inside also . - _; memory and count are not 0.',
  ),
  TooManyGpus: declareError('TooManyGpus(uint256 maximum, uint256 provided)', 'Too many kinds of GPUs.'),
  LockupTooLow: declareError(
    'LockupTooLow(uint256 requiredWei, uint256 providedWei)',
    'A provider needs more lockup than was given, in wei.',
  ),
  InsufficientLockup: declareError(
    'InsufficientLockup(uint256 requiredWei, uint256 availableWei)',
    'Less is free than is needed, in wei: the rest is locked in bonds or on its way out.',
  ),
  InvalidAddress: declareError('InvalidAddress()', 'The zero address stands for nobody.'),
  InvalidAmount: declareError('InvalidAmount()', 'The amount is 0.'),
  AddressTaken: declareError(
    'AddressTaken(address account, address provider)',
    'The address stands for this provider, or is it.',
  ),
  TooManyAddresses: declareError(
    'TooManyAddresses(uint256 maximum)',
    'A provider has too many addresses: remove one first.',
  ),
  NotInvited: declareError(
    'NotInvited(address provider)',
    'The caller was not asked to stand for this provider.',
  ),
  UnknownAddress: declareError(
    'UnknownAddress(address account)',
    'The address neither stands for the provider nor is asked to.',
  ),
  AddressNotAccepted: declareError(
    'AddressNotAccepted(address account)',
    'Earnings go only to the master or to an address that has accepted to stand for the provider.',
  ),
  BondsLocked: declareError(
    'BondsLocked(uint256 lockedWei)',
    'Attempts are not final yet, in wei of bonds: drain first and wait for them.',
  ),
  ProviderLeaving: declareError(
    'ProviderLeaving()',
    'The provider is leaving: resume first, if it is to stay.',
  ),
  StatusUnchanged: declareError('StatusUnchanged()', 'The provider is in this state already.'),
  UnknownWithdrawal: declareError(
    'UnknownWithdrawal(uint64 number)',
    'The provider has no withdrawal with this number under way.',
  ),
  TooManyWithdrawals: declareError(
    'TooManyWithdrawals(uint256 maximum)',
    'Too many withdrawals are under way: wait until one is paid, or cancel one.',
  ),
} as const;
