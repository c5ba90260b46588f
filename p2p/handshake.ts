import type { Stream } from '@libp2p/interface';
import type { Bls, BlsPublicKey } from '../protocol/crypto/bls.js';
import { peerBindingRoot, type ChainIdentity } from '../protocol/domains.js';
import { bytesEqual, toHex } from '../protocol/bytes.js';
import { createCodec } from '../protocol/ssz/codec.js';
import {
  bytes20,
  bytes32,
  bytes96,
  ContainerType,
  listOf,
  uint32,
  uint64,
  type ValueOf,
} from '../protocol/ssz/types.js';
import { P2pError } from './errors.js';
import { FrameReader, writeFrame } from './frame-stream.js';

/*
 * The first thing two nodes say to each other, once on each connection, who dialled first. Nothing else is served before it.
 */

/** A validator's word that a peer speaks for it. */
const BindingType = new ContainerType({
  validator: bytes20,
  /** Of its BLS key, over `peerBindingRoot`. */
  signature: bytes96,
});

const HelloType = new ContainerType({
  protocolVersion: uint32,
  chainId: uint64,
  genesisId: bytes32,
  /** Of the last final block. */
  headHeight: uint64,
  binding: listOf(BindingType, 1),
});

export type Binding = ValueOf<typeof BindingType>;
export type Hello = ValueOf<typeof HelloType>;

export const helloCodec = createCodec<Hello>('Hello', HelloType);

/** What a validator's signature is checked with. */
export interface BindingCheck {
  readonly bls: Bls;
  /** The present key of a validator; undefined for who is none as far as this node knows. */
  readonly keyOf: (validator: Uint8Array) => BlsPublicKey | undefined;
}

/**
 * Says hello first.
 *
 * @throws P2pError HANDSHAKE_MALFORMED | HANDSHAKE_FAILED | those of `checkHello`
 */
export async function greet(stream: Stream, own: Hello): Promise<Hello> {
  const reader = new FrameReader(stream, helloCodec.maxBytes);
  await writeFrame(stream, helloCodec.encode(own));
  const hello = await readHello(reader);
  checkHello(own, hello);
  return hello;
}

/** Answers a hello, also to who is of another chain, so that it can tell its operator why. @throws P2pError as `greet` */
export async function answerGreeting(stream: Stream, own: Hello): Promise<Hello> {
  const hello = await readHello(new FrameReader(stream, helloCodec.maxBytes));
  await writeFrame(stream, helloCodec.encode(own));
  checkHello(own, hello);
  return hello;
}

async function readHello(reader: FrameReader): Promise<Hello> {
  const payload = await reader.next();
  if (payload === undefined) throw new P2pError('HANDSHAKE_FAILED', 'the peer left without a hello');
  try {
    return helloCodec.decode(payload);
  } catch (error) {
    throw new P2pError('HANDSHAKE_MALFORMED', 'not a hello', {}, { cause: error });
  }
}

/** @throws P2pError HANDSHAKE_CHAIN | HANDSHAKE_GENESIS | HANDSHAKE_VERSION */
export function checkHello(own: Hello, theirs: Hello): void {
  if (own.chainId !== theirs.chainId) {
    throw new P2pError('HANDSHAKE_CHAIN', 'the peer is of another chain', {
      expected: own.chainId,
      received: theirs.chainId,
    });
  }
  if (!bytesEqual(own.genesisId, theirs.genesisId)) {
    throw new P2pError('HANDSHAKE_GENESIS', 'the peer began with another genesis', {
      expected: toHex(own.genesisId),
      received: toHex(theirs.genesisId),
    });
  }
  if (own.protocolVersion !== theirs.protocolVersion) {
    throw new P2pError('HANDSHAKE_VERSION', 'the peer speaks another version of the protocol', {
      expected: own.protocolVersion,
      received: theirs.protocolVersion,
    });
  }
}

/**
 * Whether a validator has said that the peer speaks for it; undefined while its key is not known here.
 *
 * @param peerId multihash of the peer
 */
export function isBound(
  { bls, keyOf }: BindingCheck,
  chain: ChainIdentity,
  { validator, signature }: Binding,
  peerId: Uint8Array,
): boolean | undefined {
  const key = keyOf(validator);
  if (key === undefined) return undefined;
  return bls.verify(key, peerBindingRoot(chain, validator, peerId), signature);
}
