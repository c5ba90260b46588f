import type { Address } from '../../protocol/address.js';
import { bigEndianBytes, bytesEqual, concatBytes } from '../../protocol/bytes.js';
import { MAX_NAME_BYTES } from '../../protocol/names.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import {
  byteList,
  bytes20,
  ContainerType,
  listOf,
  uint128,
  uint32,
  uint64,
  uint8,
  type ValueOf,
} from '../../protocol/ssz/types.js';
import { STATE_KEYS } from '../store/keys.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';

/** Addresses besides the master, invited ones included. */
export const MAX_PROVIDER_ADDRESSES = 8;
/** Kinds of GPUs one provider lists. */
export const MAX_GPU_KINDS = 16;
export const MAX_VENDOR_BYTES = 32;
export const MAX_MODEL_BYTES = 64;
/** Withdrawals of one provider under way. */
export const MAX_WITHDRAWALS = 8;

/** Takes part in draws. */
export const PROVIDER_ACTIVE = 0;
/** Finishes what it has and is given nothing new. */
export const PROVIDER_DRAINING = 1;
/** As draining; forgotten when the last of its lockup is paid. */
export const PROVIDER_LEAVING = 2;

export type ProviderStatus = 'active' | 'draining' | 'leaving';
export const PROVIDER_STATUSES: readonly ProviderStatus[] = ['active', 'draining', 'leaving'];

const GpuType = new ContainerType({
  vendor: byteList(MAX_VENDOR_BYTES),
  model: byteList(MAX_MODEL_BYTES),
  vramMiB: uint32,
  count: uint32,
});

const WithdrawalType = new ContainerType({
  number: uint64,
  amountWei: uint128,
  /** Paid in the first block that has come to this time and to this height. */
  dueMs: uint64,
  dueHeight: uint64,
});

/** What became of the attempts of a provider, from chain data alone. */
const ReputationType = new ContainerType({
  accepted: uint64,
  /** Judged wrong, or not unsealed. */
  rejected: uint64,
  /** Withheld data it had to hand out. */
  withheld: uint64,
  /** Given up late, or nothing committed in time. */
  abandoned: uint64,
  inconclusive: uint64,
  /** Given back in time, for the input could not be had. */
  released: uint64,
  earnedWei: uint128,
  slashedWei: uint128,
});

const ProviderType = new ContainerType({
  name: byteList(MAX_NAME_BYTES),
  /** The master or one that has accepted. */
  payout: bytes20,
  addresses: listOf(
    new ContainerType({ address: bytes20, /** 1 once the address has said so itself. */ accepted: uint8 }),
    MAX_PROVIDER_ADDRESSES,
  ),
  gpus: listOf(GpuType, MAX_GPU_KINDS),
  status: uint8,
  sinceMs: uint64,
  /** All of its money here: free, locked in bonds, and on its way out. */
  lockupWei: uint128,
  /** In bonds of attempts that are not final. */
  lockedWei: uint128,
  /** In the order of their numbers. */
  withdrawals: listOf(WithdrawalType, MAX_WITHDRAWALS),
  /** Number of the last withdrawal. */
  withdrawalCount: uint64,
  reputation: ReputationType,
});

export type Gpu = Readonly<ValueOf<typeof GpuType>>;
export type Withdrawal = Readonly<ValueOf<typeof WithdrawalType>>;
export type Reputation = Readonly<ValueOf<typeof ReputationType>>;

/** A provider, kept under its master's address, which is its id. */
export type Provider = Readonly<ValueOf<typeof ProviderType>>;

export const providers = records(STATE_KEYS.provider, createCodec<Provider>('Provider', ProviderType));

const StandsForType = new ContainerType({ master: bytes20 });

/** For which provider an address stands that is no master: it has accepted that itself. */
export const standsFor = records(
  STATE_KEYS.operator,
  createCodec<ValueOf<typeof StandsForType>>('StandsFor', StandsForType),
);

/** A provider with its id. */
export interface FoundProvider {
  readonly master: Address;
  readonly provider: Provider;
}

/** The provider that an address acts for: its own, or the one it has accepted to stand for. */
export function providerByOperator(state: Reader, address: Address): FoundProvider | undefined {
  const master = standsFor.find(state, address)?.master ?? address;
  const provider = providers.find(state, master);
  return provider && { master, provider };
}

/** Every address that stands for a provider by its own word: who is among them may not judge its work. */
export function partiesOf(state: Reader, master: Address): Address[] {
  return [master, ...acceptedAddresses(providers.read(state, master))];
}

export function acceptedAddresses({ addresses }: Provider): Address[] {
  return addresses.filter(({ accepted }) => accepted === 1).map(({ address }) => address);
}

/** Whether an address stands for a provider. */
export function isOwn(master: Address, provider: Provider, address: Address): boolean {
  return [master, ...acceptedAddresses(provider)].some((own) => bytesEqual(own, address));
}

export function unbondingWei({ withdrawals }: Provider): bigint {
  return withdrawals.reduce((sum, { amountWei }) => sum + amountWei, 0n);
}

/** What a withdrawal is scheduled as. */
export function withdrawalSubject(master: Address, number: number): Uint8Array {
  return concatBytes(master, bigEndianBytes(BigInt(number), 8));
}

/** What can be locked or withdrawn now. */
export function freeWei(provider: Provider): bigint {
  return provider.lockupWei - provider.lockedWei - unbondingWei(provider);
}
