import { sha256 } from './crypto/hash.js';
import { concatBytes } from './bytes.js';
import { invariant } from './invariant.js';
import { createCodec } from './ssz/codec.js';
import { byteList, bytes20, bytes32, ContainerType, uint32, uint64 } from './ssz/types.js';

/**
 * What a signature or hash is for. Each has a domain of its own: a signature made for one purpose, chain, genesis or protocol version
 * means nothing for another, nor does a hash made for one purpose or chain.
 */
export const PURPOSES = [
  'prevote',
  'precommit',
  'proposal',
  'vote-extension',
  'beacon',
  'beacon-genesis',
  'proposer-draw',
  'validator-registration',
  'validator-key-rotation',
  'audit-record',
  'audit-leaf',
  'audit-salt',
  'audit-seal',
  'audit-nonce',
  'audit-seed',
  'audit-draw',
  'job-key',
  'job-id',
  'claim-draw',
  'genesis',
  'peer-binding',
] as const;

export type Purpose = (typeof PURPOSES)[number];

/** Which chain, and which rules of it, a signature is for. */
export interface ChainIdentity {
  readonly chainId: number;
  /** 32 bytes; `NO_GENESIS_ID` for signatures that must exist before the genesis does. */
  readonly genesisId: Uint8Array;
  /** Version active at the height the signed object is about. */
  readonly protocolVersion: number;
}

/** Genesis id of what is signed for inclusion in the genesis itself. */
export const NO_GENESIS_ID: Uint8Array = new Uint8Array(32);

const DomainType = new ContainerType({
  chainId: uint64,
  genesisId: bytes32,
  protocolVersion: uint32,
  /** ASCII, padded with zeros. */
  purpose: bytes32,
});

const SignedObjectType = new ContainerType({ objectRoot: bytes32, domain: bytes32 });

/** Root of the domain of one purpose on one chain. */
export function signingDomain(identity: ChainIdentity, purpose: Purpose): Uint8Array {
  return DomainType.hashTreeRoot({ ...identity, purpose: purposeBytes(purpose) });
}

/** The 32 bytes that are signed for an object with the SSZ root `objectRoot`. */
export function signingRoot(identity: ChainIdentity, purpose: Purpose, objectRoot: Uint8Array): Uint8Array {
  return SignedObjectType.hashTreeRoot({ objectRoot, domain: signingDomain(identity, purpose) });
}

/**
 * SHA-256 over (chain id ‖ purpose ‖ parts), each part of a length fixed by the purpose: the caller must not pass parts of
 * variable length, whose boundaries would be ambiguous.
 */
export function domainHash(chainId: number, purpose: Purpose, ...parts: readonly Uint8Array[]): Uint8Array {
  invariant(Number.isSafeInteger(chainId) && chainId > 0, 'a chain id is a positive safe integer');
  const chain = new Uint8Array(8);
  new DataView(chain.buffer).setBigUint64(0, BigInt(chainId), true);
  return sha256(concatBytes(purposeBytes(purpose), chain, ...parts));
}

/** beacon(0), 32 bytes: all that is known before anybody reveals anything. */
export function genesisBeacon({
  chainId,
  genesisId,
}: Pick<ChainIdentity, 'chainId' | 'genesisId'>): Uint8Array {
  return domainHash(chainId, 'beacon-genesis', genesisId);
}

/** beacon(h) = H(beacon(h − 1) ‖ reveal): unique per proposer, so that nothing can be ground but withholding the block. */
export function nextBeacon(chainId: number, previousBeacon: Uint8Array, reveal: Uint8Array): Uint8Array {
  invariant(previousBeacon.length === 32 && reveal.length === 96, 'beacon is 32 bytes and a reveal 96');
  return domainHash(chainId, 'beacon', previousBeacon, reveal);
}

/** What a proposer signs, under the purpose "beacon", to reveal its share of the beacon of `height`. */
export const beaconPayloadCodec = createCodec(
  'BeaconPayload',
  new ContainerType({ height: uint64, previousBeacon: bytes32 }),
);

/**
 * What a BLS key signs to accept its owner, under "validator-registration" or "validator-key-rotation": without it anybody
 * could register a key copied from somebody else's transaction.
 */
export const ownerBindingCodec = createCodec(
  'OwnerBinding',
  new ContainerType({ owner: bytes20, nonce: uint64 }),
);

/** The 32 bytes a BLS key signs to accept `owner`; `nonce` counts the keys the validator had before. */
export function ownerBindingRoot(
  identity: ChainIdentity,
  purpose: 'validator-registration' | 'validator-key-rotation',
  owner: Uint8Array,
  nonce: number,
): Uint8Array {
  return signingRoot(identity, purpose, ownerBindingCodec.root({ owner, nonce }));
}

/** What a validator's BLS key signs under "peer-binding" to say which libp2p peer speaks for it. */
export const peerBindingCodec = createCodec(
  'PeerBinding',
  new ContainerType({ validator: bytes20, peerId: byteList(64) }),
);

/** The 32 bytes a validator's BLS key signs for the peer with the id `peerId`, a multihash of at most 64 bytes. */
export function peerBindingRoot(
  identity: ChainIdentity,
  validator: Uint8Array,
  peerId: Uint8Array,
): Uint8Array {
  return signingRoot(identity, 'peer-binding', peerBindingCodec.root({ validator, peerId }));
}

function purposeBytes(purpose: Purpose): Uint8Array {
  invariant(purpose.length <= 32, `purpose ${purpose} exceeds 32 bytes`);
  const padded = new Uint8Array(32);
  for (let i = 0; i < purpose.length; i++) padded[i] = purpose.charCodeAt(i);
  return padded;
}
