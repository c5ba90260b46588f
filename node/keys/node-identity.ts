import {
  generateKeyPair,
  generateKeyPairFromSeed,
  privateKeyFromProtobuf,
  privateKeyToProtobuf,
  publicKeyToProtobuf,
} from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { z } from 'zod';
import { bytesEqual } from '../../protocol/bytes.js';
import { KeystoreError } from './keystore-error.js';
import { parseFields } from './keystore-schema.js';

/** What libp2p calls itself by on the network. */
export interface NodeIdentity {
  /** libp2p's protobuf of the Ed25519 private key, 68 bytes: input of `privateKeyFromProtobuf`. */
  readonly privateKeyProtobuf: Uint8Array;
  /** Base58 peer id, "12D3KooW…". */
  readonly peerId: string;
}

/** protobuf { Type: Ed25519, Data: seed (32) ‖ public key (32) } (libp2p peer-ids specification). */
const PROTOBUF_BYTES = 68;
const PROTOBUF_HEADER_BYTES = 4;
const SEED_BYTES = 32;

export async function generateNodeIdentity(): Promise<NodeIdentity> {
  const key = await generateKeyPair('Ed25519');
  return { privateKeyProtobuf: privateKeyToProtobuf(key), peerId: peerIdFromPrivateKey(key).toString() };
}

/**
 * Identity of a private key protobuf. libp2p takes the public half as it comes; here it must be the one of the seed, or
 * a flipped bit would silently give the node another name and signatures that nobody can verify.
 *
 * @throws KeystoreError KEYSTORE_IDENTITY_INVALID
 */
export async function nodeIdentityFromProtobuf(privateKeyProtobuf: Uint8Array): Promise<NodeIdentity> {
  if (!isIdentityProtobuf(privateKeyProtobuf)) throw invalid('not the protobuf of an Ed25519 private key');
  const seed = privateKeyProtobuf.subarray(PROTOBUF_HEADER_BYTES, PROTOBUF_HEADER_BYTES + SEED_BYTES);
  const key = await generateKeyPairFromSeed('Ed25519', seed);
  if (!bytesEqual(privateKeyToProtobuf(key), privateKeyProtobuf)) {
    throw invalid('the public half of the private key is not the one of its seed');
  }
  return { privateKeyProtobuf, peerId: peerIdFromPrivateKey(key).toString() };
}

/** Whether the bytes have the length and head of an Ed25519 private key protobuf. */
export function isIdentityProtobuf(bytes: Uint8Array): boolean {
  return (
    bytes.length === PROTOBUF_BYTES && bytesEqual(bytes.subarray(0, PROTOBUF_HEADER_BYTES), ED25519_HEADER)
  );
}

/**
 * Reads libp2p's JSON form: `id` in base58, `privKey` and `pubKey` as base64 of their protobufs.
 *
 * @throws KeystoreError KEYSTORE_INVALID | KEYSTORE_IDENTITY_INVALID when the parts contradict each other
 */
export async function parseNodeIdentity(json: unknown): Promise<NodeIdentity> {
  const { id, privKey, pubKey } = parseFields(IDENTITY, json, 'node identity');
  const identity = await nodeIdentityFromProtobuf(Uint8Array.from(Buffer.from(privKey, 'base64')));
  if (identity.peerId !== id) throw invalid('the peer id in the file is not the one of its private key');
  if (pubKey !== undefined && pubKey !== publicKeyBase64(identity)) {
    throw invalid('the public key in the file is not the one of its private key');
  }
  return identity;
}

/** libp2p's JSON form of the identity. */
export function formatNodeIdentity(identity: NodeIdentity): string {
  const document = {
    id: identity.peerId,
    privKey: base64(identity.privateKeyProtobuf),
    pubKey: publicKeyBase64(identity),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const ED25519_HEADER = Uint8Array.of(0x08, 0x01, 0x12, 0x40);

const IDENTITY = z.object({
  id: z.string().max(128),
  privKey: z.base64().max(256),
  pubKey: z.base64().max(256).optional(),
});

function publicKeyBase64(identity: NodeIdentity): string {
  return base64(publicKeyToProtobuf(privateKeyFromProtobuf(identity.privateKeyProtobuf).publicKey));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function invalid(problem: string): KeystoreError {
  return new KeystoreError('KEYSTORE_IDENTITY_INVALID', problem, {
    cure: 'restore the file from a backup, or make a new identity with: ogpu keys new node',
  });
}
