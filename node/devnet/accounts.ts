import { addressFromPublicKey, type Address } from '../../protocol/address.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { secp256k1 } from '../../protocol/crypto/secp256k1.js';
import { deriveAccountKey, mnemonicToSeed } from '../keys/mnemonic.js';

/** The phrase every Ethereum developer knows from anvil and Hardhat. Its keys are public: worth nothing outside a devnet. */
export const DEVELOPMENT_MNEMONIC = 'test test test test test test test test test test test junk';

/** Accounts of developers: the first ones of the phrase, as anvil and Hardhat number them. */
export const DEVELOPER_COUNT = 10;
const DEVELOPER_WEI = 10_000n * WEI_PER_OGPU;

/** Gives OGPU to whoever asks. */
const FAUCET_INDEX = 100;
const FAUCET_WEI = 1_000_000n * WEI_PER_OGPU;

/** Owners of the validators, from here on. */
const FIRST_OWNER_INDEX = 200;
const OWNER_WEI = 20_000n * WEI_PER_OGPU;

export interface DevelopmentAccount {
  readonly address: Address;
  readonly secretKey: Uint8Array;
  /** Before its stake is taken off. */
  readonly balanceWei: bigint;
}

export interface DevelopmentAccounts {
  readonly developers: readonly DevelopmentAccount[];
  readonly faucet: DevelopmentAccount;
  /** One for each validator. */
  readonly owners: readonly DevelopmentAccount[];
}

/** The accounts of a devnet: the same for every one of them. */
export async function developmentAccounts(validators: number): Promise<DevelopmentAccounts> {
  const seed = await mnemonicToSeed(DEVELOPMENT_MNEMONIC);
  const account = (index: number, balanceWei: bigint): DevelopmentAccount => {
    const { secretKey } = deriveAccountKey(seed, index);
    return { address: addressFromPublicKey(secp256k1.publicKey(secretKey)), secretKey, balanceWei };
  };
  const several = (count: number, first: number, balanceWei: bigint): DevelopmentAccount[] =>
    Array.from({ length: count }, (_, i) => account(first + i, balanceWei));
  return {
    developers: several(DEVELOPER_COUNT, 0, DEVELOPER_WEI),
    faucet: account(FAUCET_INDEX, FAUCET_WEI),
    owners: several(validators, FIRST_OWNER_INDEX, OWNER_WEI),
  };
}
