import type { ChainIdentity } from '../../protocol/domains.js';
import { chainParamsCodec } from '../../protocol/params-codec.js';
import { protocolVersionAt, type ChainParams } from '../../protocol/params.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { bytes32, ContainerType, uint128, uint64, type ValueOf } from '../../protocol/ssz/types.js';
import { STATE_KEYS } from '../store/keys.js';
import { singleRecord } from '../store/record.js';
import type { Reader } from '../store/store.js';

const ChainType = new ContainerType({ chainId: uint64, genesisId: bytes32, genesisTimeMs: uint64 });
const ProgressType = new ContainerType({
  /** Of the last block. */
  height: uint64,
  timeMs: uint64,
  /** Of the block to come. */
  baseFeeWei: uint128,
  /** The chain's randomness after the last block. */
  beacon: bytes32,
});

/** Which chain this is the state of. */
export const chainRecord = singleRecord(
  STATE_KEYS.system,
  createCodec<ValueOf<typeof ChainType>>('Chain', ChainType),
  'chain',
);

/** Where the chain stands: what the next block must follow. */
export const progressRecord = singleRecord(
  STATE_KEYS.system,
  createCodec<ValueOf<typeof ProgressType>>('Progress', ProgressType),
  'progress',
);

/** The chain's parameters: read them here and nowhere else, for they can change. */
export const paramsRecord = singleRecord<[string], ChainParams>(
  STATE_KEYS.system,
  chainParamsCodec,
  'params',
);

/** For signatures about `height`. */
export function chainIdentityAt(state: Reader, params: ChainParams, height: number): ChainIdentity {
  const { chainId, genesisId } = chainRecord.read(state);
  return { chainId, genesisId, protocolVersion: protocolVersionAt(params, height) };
}
