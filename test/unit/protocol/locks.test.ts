import { test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import {
  beaconPayloadCodec,
  domainHash,
  ownerBindingCodec,
  peerBindingCodec,
  PURPOSES,
  signingDomain,
  signingRoot,
} from '../../../protocol/domains.js';
import * as limits from '../../../protocol/limits.js';
import { createPrng } from '../../support/prng.js';
import { assertVector } from '../../support/vectors.js';

const FIXTURE = 'locks.json';

/** Everything whose change makes old signatures, ids or blocks mean something else, and that no encoding shows. */
function currentLocks(): Record<string, unknown> {
  const prng = createPrng(1);
  const identity = { chainId: 64_782, genesisId: prng.bytes(32), protocolVersion: 1 };
  const root = prng.bytes(32);
  const byPurpose = PURPOSES.map((purpose) => [
    purpose,
    {
      domain: toHex(signingDomain(identity, purpose)),
      signingRoot: toHex(signingRoot(identity, purpose, root)),
      domainHash: toHex(domainHash(identity.chainId, purpose, root)),
    },
  ]);
  return {
    limits: Object.fromEntries(Object.entries(limits).sort()),
    purposes: Object.fromEntries(byPurpose) as unknown,
    payloads: {
      beacon: toHex(beaconPayloadCodec.root({ height: 7, previousBeacon: prng.bytes(32) })),
      ownerBinding: toHex(ownerBindingCodec.root({ owner: prng.bytes(20), nonce: 3 })),
      peerBinding: toHex(peerBindingCodec.root({ validator: prng.bytes(20), peerId: prng.bytes(38) })),
    },
  };
}

test('purposes, payloads and limits are what they were: changing one is an explicit act', () => {
  assertVector(FIXTURE, currentLocks());
});
