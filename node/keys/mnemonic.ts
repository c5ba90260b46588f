import { HDKey } from '@scure/bip32';
import * as bip39 from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { deriveSeedTree } from 'micro-key-producer/bls.js';
import { OgpuError } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';

export class MnemonicError extends OgpuError<
  'MNEMONIC_WORD_COUNT' | 'MNEMONIC_WORD_UNKNOWN' | 'MNEMONIC_CHECKSUM' | 'MNEMONIC_INDEX'
> {}

export interface DerivedKey {
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
  /** Where it was derived: EIP-2334 or BIP-44 notation. */
  readonly path: string;
}

/**
 * Coin type 60 of SLIP-44 (Ether), for both trees. Accounts are Ethereum's, and wallets look for them there. Validator
 * keys use it too, as EIP-2335's examples do, and not 3600, where Ethereum's validator keys live: a mnemonic used on both
 * networks must not put the same BLS key on both.
 */
export const COIN_TYPE = 60;

const WORD_COUNTS: readonly number[] = [12, 15, 18, 21, 24];
/** BIP-44 indices are below 2^31; the same bound for validators keeps the trees alike. */
const MAX_INDEX = 2 ** 31 - 1;
const ENTROPY_BITS = 256;

/** 24 new English words from the system's randomness (BIP-39). */
export function generateMnemonic(): string {
  return bip39.generateMnemonic(wordlist, ENTROPY_BITS);
}

/**
 * The mnemonic in its normal form: lower-case English words with single spaces, checksum verified. An error names the
 * position of a wrong word, never the word.
 *
 * @throws MnemonicError MNEMONIC_WORD_COUNT | MNEMONIC_WORD_UNKNOWN | MNEMONIC_CHECKSUM
 */
export function parseMnemonic(text: string): string {
  const words = text.normalize('NFKD').trim().toLowerCase().split(/\s+/);
  if (!WORD_COUNTS.includes(words.length)) {
    throw new MnemonicError(
      'MNEMONIC_WORD_COUNT',
      `a mnemonic has 12, 15, 18, 21 or 24 words, not ${words.length}`,
      {
        words: words.length,
        cure: 'check for missing words, and that the file holds nothing but the words',
      },
    );
  }
  const unknown = words.flatMap((word, index) => (wordlist.includes(word) ? [] : [index + 1]));
  if (unknown.length > 0) {
    throw new MnemonicError(
      'MNEMONIC_WORD_UNKNOWN',
      `not in the English word list: word ${unknown.join(', ')}`,
      {
        positions: unknown,
        cure: 'check the spelling of these words; only the English list of BIP-39 is supported',
      },
    );
  }
  const mnemonic = words.join(' ');
  if (!bip39.validateMnemonic(mnemonic, wordlist)) {
    throw new MnemonicError('MNEMONIC_CHECKSUM', 'the words are known, but their checksum is wrong', {
      cure: 'a word is mistaken for another or two are swapped: compare with the written copy',
    });
  }
  return mnemonic;
}

/**
 * The 64-byte seed (BIP-39, PBKDF2-HMAC-SHA-512).
 *
 * @param passphrase BIP-39's optional extra word; a different one gives different keys, with no way to tell
 */
export function mnemonicToSeed(mnemonic: string, passphrase = ''): Promise<Uint8Array> {
  return bip39.mnemonicToSeed(mnemonic, passphrase);
}

/**
 * BLS secret key of the `index`-th validator: EIP-2333 at m/12381/60/index/0/0, the signing key of EIP-2334.
 *
 * @throws MnemonicError MNEMONIC_INDEX
 */
export function deriveValidatorKey(seed: Uint8Array, index: number): DerivedKey {
  const path = `m/12381/${COIN_TYPE}/${checkedIndex(index)}/0/0`;
  return { secretKey: deriveSeedTree(seed, path), path };
}

/**
 * secp256k1 private key of the `index`-th account: BIP-32 at m/44'/60'/0'/0/index, as MetaMask and Ledger Live's
 * first account derive it.
 *
 * @throws MnemonicError MNEMONIC_INDEX
 */
export function deriveAccountKey(seed: Uint8Array, index: number): DerivedKey {
  const path = `m/44'/${COIN_TYPE}'/0'/0/${checkedIndex(index)}`;
  const { privateKey } = HDKey.fromMasterSeed(seed).derive(path);
  invariant(privateKey !== null, 'a key derived from a seed is private');
  return { secretKey: privateKey, path };
}

function checkedIndex(index: number): number {
  if (Number.isInteger(index) && index >= 0 && index <= MAX_INDEX) return index;
  throw new MnemonicError('MNEMONIC_INDEX', `a key index is an integer from 0 to ${MAX_INDEX}`, {
    received: index,
    cure: 'indices count up from 0',
  });
}
