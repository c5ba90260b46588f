import { MAX_EXTRA_DATA_BYTES } from '../limits.js';
import { createCodec } from '../ssz/codec.js';
import {
  byteList,
  bytes20,
  bytes256,
  bytes32,
  bytes96,
  ContainerType,
  uint128,
  uint32,
  uint64,
  type ValueOf,
} from '../ssz/types.js';

/** Commits to one block: its place, its content and the state after it. The id of a block is the root of this. */
export const HeaderType = new ContainerType({
  /** Rules this block follows; must be the version active at its height. */
  protocolVersion: uint32,
  chainId: uint64,
  /** First block is 1; the genesis is 0. */
  height: uint64,
  /** Round of the fresh proposal; a re-proposed value keeps its original round. */
  round: uint32,
  /** Proposer-based timestamp in Unix milliseconds, strictly after the parent's. */
  timeMs: uint64,
  /** Id of the parent; of block 1 it is the genesis id. */
  parentId: bytes32,
  /** Validator id of the fresh proposal's maker. */
  proposer: bytes20,
  /** Proposer's BLS signature that moves the beacon on. */
  beaconReveal: bytes96,
  /** Root of the list of transaction hashes. */
  transactionsRoot: bytes32,
  evidenceRoot: bytes32,
  /** Root of the commit of the parent, carried by this body. */
  parentCommitRoot: bytes32,
  /** Root of the parent's vote extensions, carried by this body. */
  extensionsRoot: bytes32,
  receiptsRoot: bytes32,
  /** 2048-bit Ethereum bloom filter over all logs of the block. */
  logsBloom: bytes256,
  /** Root of the state **after** this block. */
  stateRoot: bytes32,
  /** Root of the validator set that decides this height. */
  validatorsHash: bytes32,
  /** Root of the validator set that decides the next height. */
  nextValidatorsHash: bytes32,
  gasUsed: uint64,
  gasLimit: uint64,
  baseFeeWei: uint128,
  /** Free for the proposer; no meaning. */
  extraData: byteList(MAX_EXTRA_DATA_BYTES),
});

export type Header = ValueOf<typeof HeaderType>;

export const headerCodec = createCodec<Header>('Header', HeaderType);

/** The block id: SSZ root of the header. */
export function blockId(header: Header): Uint8Array {
  return headerCodec.root(header);
}
