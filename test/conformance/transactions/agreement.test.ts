import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SigningKey, Transaction as EthersTransaction, type TransactionLike } from 'ethers';
import {
  keccak256 as viemKeccak256,
  recoverTransactionAddress,
  type Hex,
  type TransactionSerializable,
  type TransactionSerialized,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { addressFromPublicKey } from '../../../protocol/address.js';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import { secp256k1 } from '../../../protocol/crypto/secp256k1.js';
import { decodeTransaction } from '../../../protocol/transactions/decode.js';
import { encodeTransaction } from '../../../protocol/transactions/encode.js';
import { signingHash, transactionHash } from '../../../protocol/transactions/hash.js';
import { recoverSender } from '../../../protocol/transactions/recover.js';
import { signTransaction } from '../../../protocol/transactions/sign.js';
import type { Transaction } from '../../../protocol/transactions/types.js';
import { createPrng } from '../../support/prng.js';
import { TRANSACTION_TYPES, randomChainId, randomSecretKey, randomTransaction } from './generate.js';
import { judgeEthers, judgeOurs, judgeViem } from './oracles.js';

const CASES_PER_TYPE = Number(process.env.OGPU_CASES ?? 400);

for (const type of TRANSACTION_TYPES) {
  test(`${CASES_PER_TYPE} random ${type} transactions: bytes, hash and sender agree with viem and ethers`, async () => {
    const prng = createPrng(0x61677265 + TRANSACTION_TYPES.indexOf(type));
    for (let i = 0; i < CASES_PER_TYPE; i++) {
      const transaction = randomTransaction(prng, type, randomChainId(prng));
      await assertAgreement(transaction, randomSecretKey(prng));
    }
  });
}

/** RFC 6979 makes signatures repeatable, so all three must sign to the same bytes. */
async function assertAgreement(transaction: Transaction, secretKey: Uint8Array): Promise<void> {
  const { chainId } = transaction;
  const key = toHex(secretKey);
  const sender = toHex(addressFromPublicKey(secp256k1.publicKey(secretKey)));

  const signed = signTransaction(transaction, secretKey);
  const encoded = toHex(encodeTransaction(signed));
  const hash = toHex(transactionHash(signed));
  assert.equal(await privateKeyToAccount(key).signTransaction(forViem(transaction)), encoded);
  const ethers = EthersTransaction.from(forEthers(transaction));
  ethers.signature = new SigningKey(key).sign(ethers.unsignedHash);
  assert.equal(ethers.serialized, encoded);

  const viewed = judgeOurs(fromHex(encoded), chainId);
  assert.ok(viewed.accepted);
  assert.deepEqual(judgeViem(encoded), { accepted: true, view: viewed.view, reencoded: encoded });
  assert.deepEqual(judgeEthers(encoded), { accepted: true, view: viewed.view, reencoded: encoded });

  const decoded = decodeTransaction(fromHex(encoded), { chainId });
  assert.deepEqual(decoded.transaction, signed);
  assert.deepEqual(decoded.signingHash, signingHash(transaction));
  assert.deepEqual([toHex(decoded.hash), viemKeccak256(encoded), ethers.hash], [hash, hash, hash]);
  assert.equal(toHex(recoverSender(decoded.signingHash, decoded.transaction.signature)), sender);
  const serializedTransaction = encoded as TransactionSerialized;
  assert.equal((await recoverTransactionAddress({ serializedTransaction })).toLowerCase(), sender);
  assert.equal(EthersTransaction.from(encoded).from?.toLowerCase(), sender);
}

function forViem(transaction: Transaction): TransactionSerializable {
  const { nonce, gasLimit, to, value, data } = transaction;
  const common = {
    chainId: Number(transaction.chainId),
    nonce: Number(nonce),
    gas: gasLimit,
    value,
    data: toHex(data),
    ...(to === undefined ? {} : { to: toHex(to) }),
  };
  switch (transaction.type) {
    case 'legacy':
      return { type: 'legacy', ...common, gasPrice: transaction.gasPrice };
    case 'eip2930':
      return {
        type: 'eip2930',
        ...common,
        gasPrice: transaction.gasPrice,
        accessList: hexAccessList(transaction),
      };
    case 'eip1559': {
      const { maxFeePerGas, maxPriorityFeePerGas } = transaction;
      return {
        type: 'eip1559',
        ...common,
        maxFeePerGas,
        maxPriorityFeePerGas,
        accessList: hexAccessList(transaction),
      };
    }
  }
}

function forEthers(transaction: Transaction): TransactionLike {
  const { chainId, nonce, gasLimit, to, value, data } = transaction;
  const type = TRANSACTION_TYPES.indexOf(transaction.type);
  const destination = to === undefined ? null : toHex(to);
  const common = { type, chainId, nonce: Number(nonce), gasLimit, to: destination, value, data: toHex(data) };
  if (transaction.type === 'legacy') return { ...common, gasPrice: transaction.gasPrice };
  const accessList = hexAccessList(transaction);
  if (transaction.type === 'eip2930') return { ...common, gasPrice: transaction.gasPrice, accessList };
  const { maxFeePerGas, maxPriorityFeePerGas } = transaction;
  return { ...common, maxFeePerGas, maxPriorityFeePerGas, accessList };
}

function hexAccessList(
  transaction: Exclude<Transaction, { type: 'legacy' }>,
): { address: Hex; storageKeys: Hex[] }[] {
  return transaction.accessList.map(({ address, storageKeys }) => ({
    address: toHex(address),
    storageKeys: storageKeys.map(toHex),
  }));
}
