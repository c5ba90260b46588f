import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toChecksumAddress } from '../../../protocol/address.js';
import {
  deriveAccountKey,
  deriveValidatorKey,
  generateMnemonic,
  mnemonicToSeed,
  parseMnemonic,
} from '../../../node/keys/mnemonic.js';
import { accountAddress } from '../../../node/keys/web3-secret-storage.js';
import { ACCOUNT_ADDRESS, ACCOUNT_SECRET, MNEMONIC, rejectsWith } from './support.js';

describe('parseMnemonic', () => {
  test('forgives case, line breaks and spaces', () => {
    assert.equal(parseMnemonic(`\n  ${MNEMONIC.toUpperCase().replaceAll(' ', ' \r\n')}\n`), MNEMONIC);
  });

  test('new mnemonics have 24 words, a good checksum, and differ', () => {
    const mnemonic = generateMnemonic();
    assert.equal(mnemonic.split(' ').length, 24);
    assert.equal(parseMnemonic(mnemonic), mnemonic);
    assert.notEqual(generateMnemonic(), mnemonic);
  });

  test('wrong number of words', async () => {
    for (const text of ['', 'test', `${MNEMONIC} test`]) {
      await rejectsWith(() => parseMnemonic(text), 'MNEMONIC_WORD_COUNT');
    }
  });

  test('unknown words are named by position, never quoted', async () => {
    const text = MNEMONIC.split(' ').with(2, 'tset').with(6, 'pwned').join(' ');
    const data = await rejectsWith(() => parseMnemonic(text), 'MNEMONIC_WORD_UNKNOWN');
    assert.deepEqual(data.positions, [3, 7]);
    assert.ok(!JSON.stringify(data).includes('pwned'));
  });

  test('known words with a wrong checksum', async () => {
    await rejectsWith(() => parseMnemonic(MNEMONIC.replace('junk', 'test')), 'MNEMONIC_CHECKSUM');
  });
});

describe('derivation', () => {
  test('the accounts that every Ethereum wallet finds', async () => {
    const seed = await mnemonicToSeed(MNEMONIC);
    const first = deriveAccountKey(seed, 0);
    assert.deepEqual(first, { secretKey: ACCOUNT_SECRET, path: "m/44'/60'/0'/0/0" });
    assert.equal(toChecksumAddress(accountAddress(first.secretKey)), ACCOUNT_ADDRESS);
    const second = deriveAccountKey(seed, 1);
    assert.equal(
      toChecksumAddress(accountAddress(second.secretKey)),
      '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
    );
  });

  test('validator keys differ by index and by passphrase', async () => {
    const seed = await mnemonicToSeed(MNEMONIC);
    const first = deriveValidatorKey(seed, 0);
    assert.equal(first.path, 'm/12381/60/0/0/0');
    assert.equal(deriveValidatorKey(seed, 7).path, 'm/12381/60/7/0/0');
    assert.notDeepEqual(deriveValidatorKey(seed, 1).secretKey, first.secretKey);
    const guarded = await mnemonicToSeed(MNEMONIC, 'passphrase');
    assert.notDeepEqual(deriveValidatorKey(guarded, 0).secretKey, first.secretKey);
  });

  for (const index of [-1, 0.5, 2 ** 31, NaN]) {
    test(`index ${index} is refused`, async () => {
      const seed = new Uint8Array(64).fill(1);
      await rejectsWith(() => deriveValidatorKey(seed, index), 'MNEMONIC_INDEX');
      await rejectsWith(() => deriveAccountKey(seed, index), 'MNEMONIC_INDEX');
    });
  }
});
