import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { beaconPayloadCodec, signingRoot } from '../../../protocol/domains.js';
import {
  extensionSigningRoot,
  proposalSigningRoot,
  revealSigningRoot,
  voteSigningRoot,
} from '../../../protocol/signing-roots.js';
import { extensionPayloadCodec } from '../../../protocol/types/extension.js';
import { NO_ROUND, proposalPayloadCodec } from '../../../protocol/types/proposal.js';
import { PRECOMMIT, PREVOTE, votePayloadCodec } from '../../../protocol/types/vote.js';

test('each message of a validator is signed under its own purpose', () => {
  const identity = { chainId: 64_780, genesisId: new Uint8Array(32).fill(1), protocolVersion: 2 };
  const vote = { height: 3, round: 1, blockId: new Uint8Array(32).fill(2) };
  const proposal = { ...vote, validRound: NO_ROUND };
  const extension = { height: 3, round: 1, content: Uint8Array.of(1, 2) };
  const reveal = { height: 3, previousBeacon: new Uint8Array(32).fill(3) };
  const found = [
    voteSigningRoot(identity, PREVOTE, vote),
    voteSigningRoot(identity, PRECOMMIT, vote),
    proposalSigningRoot(identity, proposal),
    extensionSigningRoot(identity, extension),
    revealSigningRoot(identity, reveal),
  ].map(toHex);
  const expected = [
    signingRoot(identity, 'prevote', votePayloadCodec.root(vote)),
    signingRoot(identity, 'precommit', votePayloadCodec.root(vote)),
    signingRoot(identity, 'proposal', proposalPayloadCodec.root(proposal)),
    signingRoot(identity, 'vote-extension', extensionPayloadCodec.root(extension)),
    signingRoot(identity, 'beacon', beaconPayloadCodec.root(reveal)),
  ].map(toHex);
  assert.deepEqual(found, expected);
  assert.equal(new Set(found).size, found.length);
});
