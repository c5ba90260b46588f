import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { test } from 'node:test';
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id';
import {
  formatNodeIdentity,
  generateNodeIdentity,
  nodeIdentityFromProtobuf,
  parseNodeIdentity,
} from '../../../node/keys/node-identity.js';
import { fromHex, toHex } from '../../../protocol/bytes.js';

// https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md, "Test vectors".
const SPEC_PRIVATE_KEY =
  '0x080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e';
const SPEC_PUBLIC_KEY = '0x080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e';

test("the libp2p specification's Ed25519 key", async () => {
  const identity = await nodeIdentityFromProtobuf(fromHex(SPEC_PRIVATE_KEY));
  const { pubKey, privKey } = JSON.parse(formatNodeIdentity(identity)) as { pubKey: string; privKey: string };
  assert.equal(toHex(Buffer.from(pubKey, 'base64')), SPEC_PUBLIC_KEY);
  assert.equal(toHex(Buffer.from(privKey, 'base64')), SPEC_PRIVATE_KEY);
  // An identity multihash (00 24) of the public key protobuf.
  assert.equal(
    toHex(peerIdFromString(identity.peerId).toMultihash().bytes),
    `0x0024${SPEC_PUBLIC_KEY.slice(2)}`,
  );
});

test('libp2p reads the key and OpenSSL verifies what it signs', async () => {
  const identity = await parseNodeIdentity(JSON.parse(formatNodeIdentity(await generateNodeIdentity())));
  const key = privateKeyFromProtobuf(identity.privateKeyProtobuf);
  assert.equal(key.type, 'Ed25519');
  assert.equal(peerIdFromPrivateKey(key).toString(), identity.peerId);

  const seed = identity.privateKeyProtobuf.subarray(4, 36);
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const openssl = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const message = new TextEncoder().encode('message');
  const signature = await key.sign(message);
  assert.ok(verify(null, message, createPublicKey(openssl), signature));
  assert.deepEqual(Uint8Array.from(signature), Uint8Array.from(sign(null, message, openssl)));
});
