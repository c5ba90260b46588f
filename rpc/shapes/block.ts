import { z } from 'zod';
import { toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { BLOOM_BYTES } from '../../protocol/bloom.js';
import { paramsRecord } from '../../state/system/chain.js';
import type { ChainReader } from '../chain/chain-reader.js';
import type { StoredBlock } from '../chain/stored-block.js';
import { AddressResult, HashText, HexText, quantity, QuantityText } from '../schema/values.js';
import type { Deadline } from '../transport/deadline.js';
import { minedTransaction, TransactionShape, type TransactionJson } from './transaction.js';

const HeaderFields = {
  number: QuantityText,
  hash: HashText.describe('The id of the block: SSZ root of its header, not a hash of RLP.'),
  parentHash: HashText,
  sha3Uncles: HashText.describe('That of an empty list: there are no uncles.'),
  nonce: HexText.describe('Zero: there is no proof of work.'),
  mixHash: HashText.describe('SHA-256 of the beacon reveal of the block: unpredictable before it.'),
  miner: AddressResult.describe('The id of the validator that proposed the block.'),
  difficulty: QuantityText.describe('Zero.'),
  extraData: HexText,
  logsBloom: HexText,
  transactionsRoot: HashText.describe('SSZ root of the list of transaction hashes.'),
  stateRoot: HashText.describe('Root of the state tree after this block; of the genesis zero.'),
  receiptsRoot: HashText.describe('SSZ root of the receipts and of the logs of both system phases.'),
  gasLimit: QuantityText,
  gasUsed: QuantityText,
  timestamp: QuantityText.describe('Header time in whole seconds; several blocks may have the same.'),
  baseFeePerGas: QuantityText,
};

/** As `newHeads` sends it. */
export const HeadShape = z
  .strictObject(HeaderFields)
  .meta({ id: 'BlockHeader', description: 'The header of a final block, in the form of Ethereum.' });

/** A block as Ethereum's JSON-RPC gives it. */
export const BlockShape = z
  .strictObject({
    ...HeaderFields,
    size: QuantityText.describe('Bytes of the SSZ encoding.'),
    uncles: z.array(HashText),
    transactions: z.union([z.array(HashText), z.array(TransactionShape)]),
  })
  .meta({ id: 'Block', description: 'A final block, in the form of Ethereum.' });

export type HeadJson = z.input<typeof HeadShape>;
export type BlockJson = z.input<typeof BlockShape>;

/** keccak-256 of the RLP of an empty list. */
const NO_UNCLES = '0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347';
const NO_NONCE = '0x0000000000000000';
const NO_HASH = toHex(new Uint8Array(32));

export function headJson({ header, id }: Pick<StoredBlock, 'header' | 'id'>): HeadJson {
  return {
    number: quantity(header.height),
    hash: toHex(id),
    parentHash: toHex(header.parentId),
    sha3Uncles: NO_UNCLES,
    nonce: NO_NONCE,
    mixHash: toHex(sha256(header.beaconReveal)),
    miner: toHex(header.proposer),
    difficulty: '0x0',
    extraData: toHex(header.extraData),
    logsBloom: toHex(header.logsBloom),
    transactionsRoot: toHex(header.transactionsRoot),
    stateRoot: toHex(header.stateRoot),
    receiptsRoot: toHex(header.receiptsRoot),
    gasLimit: quantity(header.gasLimit),
    gasUsed: quantity(header.gasUsed),
    timestamp: quantity(Math.floor(header.timeMs / 1000)),
    baseFeePerGas: quantity(header.baseFeeWei),
  };
}

/** @param isFull with whole transactions, not their hashes alone */
export async function blockJson(
  stored: StoredBlock,
  isFull: boolean,
  deadline: Deadline,
): Promise<BlockJson> {
  const hashes: string[] = [];
  const transactions: TransactionJson[] = [];
  for (let index = 0; index < stored.transactionCount; index++) {
    if (isFull) transactions.push(minedTransaction(stored, index));
    else hashes.push(toHex(stored.hash(index)));
    await deadline.slice();
  }
  return {
    ...headJson(stored),
    size: quantity(stored.sizeBytes),
    uncles: [],
    transactions: isFull ? transactions : hashes,
  };
}

/** Block 0, which no validator made: what wallets and explorers ask for to know the chain. */
export function genesisJson({ genesisId, genesisTimeMs, store }: ChainReader): BlockJson {
  const { gasLimit, initialBaseFeeWei } = paramsRecord.read(store).blocks;
  return {
    number: '0x0',
    hash: toHex(genesisId),
    parentHash: NO_HASH,
    sha3Uncles: NO_UNCLES,
    nonce: NO_NONCE,
    mixHash: NO_HASH,
    miner: toHex(new Uint8Array(20)),
    difficulty: '0x0',
    extraData: '0x',
    logsBloom: toHex(new Uint8Array(BLOOM_BYTES)),
    transactionsRoot: NO_HASH,
    stateRoot: NO_HASH,
    receiptsRoot: NO_HASH,
    gasLimit: quantity(gasLimit),
    gasUsed: '0x0',
    timestamp: quantity(Math.floor(genesisTimeMs / 1000)),
    // What clients estimate the fees of block 1 from.
    baseFeePerGas: quantity(initialBaseFeeWei),
    size: '0x0',
    uncles: [],
    transactions: [],
  };
}
