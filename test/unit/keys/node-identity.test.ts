import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  formatNodeIdentity,
  generateNodeIdentity,
  nodeIdentityFromProtobuf,
  parseNodeIdentity,
} from '../../../node/keys/node-identity.js';
import { rejectsWith } from './support.js';

const identity = await generateNodeIdentity();
const document = JSON.parse(formatNodeIdentity(identity)) as Record<string, string>;

describe('node identity', () => {
  test('round trip through JSON and through the bare protobuf', async () => {
    assert.deepEqual(await parseNodeIdentity(document), identity);
    assert.deepEqual(await nodeIdentityFromProtobuf(identity.privateKeyProtobuf), identity);
    assert.match(identity.peerId, /^12D3KooW/);
  });

  test('a flipped bit anywhere is noticed', async () => {
    for (let i = 0; i < identity.privateKeyProtobuf.length; i++) {
      const damaged = Uint8Array.from(identity.privateKeyProtobuf, (byte, j) => (i === j ? byte ^ 1 : byte));
      await rejectsWith(nodeIdentityFromProtobuf(damaged), 'KEYSTORE_IDENTITY_INVALID');
    }
  });

  test('parts of two identities do not mix', async () => {
    const other = JSON.parse(formatNodeIdentity(await generateNodeIdentity())) as Record<string, string>;
    for (const field of ['id', 'privKey', 'pubKey']) {
      await rejectsWith(
        parseNodeIdentity({ ...document, [field]: other[field] }),
        'KEYSTORE_IDENTITY_INVALID',
      );
    }
  });

  test('shape', async () => {
    await rejectsWith(parseNodeIdentity({ ...document, privKey: '%' }), 'KEYSTORE_INVALID');
    await rejectsWith(parseNodeIdentity({ privKey: document.privKey }), 'KEYSTORE_INVALID');
    await rejectsWith(parseNodeIdentity({ ...document, privKey: 'AAAA' }), 'KEYSTORE_IDENTITY_INVALID');
    const { pubKey: _, ...withoutPublicKey } = document;
    assert.deepEqual(await parseNodeIdentity(withoutPublicKey), identity);
  });
});
