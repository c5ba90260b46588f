import { domainHash } from '../protocol/domains.js';
import { MAX_VALIDATORS } from '../protocol/limits.js';
import { chainParamsCodec } from '../protocol/params-codec.js';
import {
  byteList,
  bytes20,
  bytes32,
  bytes48,
  bytes96,
  ContainerType,
  listOf,
  uint128,
  uint16,
  uint32,
  uint64,
} from '../protocol/ssz/types.js';
import { accountListRoot } from './account-root.js';
import { DOCUMENT_VERSION } from './document.js';
import type { GenesisContent } from './state.js';

const GenesisValidatorType = new ContainerType({
  name: byteList(64),
  owner: bytes20,
  operator: bytes20,
  payout: bytes20,
  blsPublicKey: bytes48,
  proofOfPossession: bytes96,
  ownerBinding: bytes96,
  stakeWei: uint128,
  commissionBps: uint16,
});

/** Everything the first block starts from. Its definition for other implementations is in `docs/genesis.md`. */
const GenesisCommitmentType = new ContainerType({
  documentVersion: uint32,
  protocolVersion: uint32,
  chain: byteList(32),
  chainId: uint64,
  genesisTimeMs: uint64,
  /** In place of the parameters: same root, since a container's field is committed to by its root. */
  paramsRoot: bytes32,
  /** Ascending by owner. */
  validators: listOf(GenesisValidatorType, MAX_VALIDATORS),
  /** In place of `List[Container{address: Bytes20, balanceWei: uint128}, 2^32]`, ascending by address, stakes taken out. */
  accountsRoot: bytes32,
  reserveWei: uint128,
});

/** The 32-byte name of a genesis: equal on two machines exactly when both start from the same state and rules. */
export function genesisId(genesis: GenesisContent): Uint8Array {
  const root = GenesisCommitmentType.hashTreeRoot({
    documentVersion: DOCUMENT_VERSION,
    protocolVersion: genesis.protocolVersion,
    chain: ascii(genesis.chain),
    chainId: genesis.chainId,
    genesisTimeMs: genesis.genesisTimeMs,
    paramsRoot: chainParamsCodec.root(genesis.params),
    validators: genesis.validators.map((validator) => ({ ...validator, name: ascii(validator.name) })),
    accountsRoot: accountListRoot(genesis.accounts),
    reserveWei: genesis.reserveWei,
  });
  return domainHash(genesis.chainId, 'genesis', root);
}

/** Names are ASCII by their schemas. */
function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
