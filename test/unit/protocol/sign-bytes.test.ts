import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import type { ChainIdentity } from '../../../protocol/domains.js';
import {
  beaconSignBytes,
  extensionSignBytes,
  proposalSignBytes,
  voteSignBytes,
} from '../../../protocol/sign-bytes.js';
import { PRECOMMIT, PREVOTE, type VotePayload } from '../../../protocol/types/vote.js';

const chain: ChainIdentity = { chainId: 64_782, genesisId: new Uint8Array(32).fill(7), protocolVersion: 1 };
const blockId = new Uint8Array(32).fill(3);
const vote: VotePayload = { height: 5, round: 2, blockId };

test('sign-bytes are locked', () => {
  const signBytes = [
    proposalSignBytes(chain, { height: 5, round: 2, validRound: 1, blockId }),
    voteSignBytes(chain, PREVOTE, vote),
    voteSignBytes(chain, PRECOMMIT, vote),
    extensionSignBytes(chain, { height: 5, round: 2, content: new Uint8Array([1, 2, 3]) }),
    beaconSignBytes(chain, 5, blockId),
  ].map(toHex);
  assert.deepEqual(signBytes, [
    '0xdf08fcd1b60e771afc36535b5d521eb5b30d553a0f72d3560cd822140519d573',
    '0xfe036f05826edaedc734ebeceb44cf5ef931bc34b1a6d382a26ad861e62eacbd',
    '0xd2a89667e450ef64f3d8f5b306d9aa61f9d35bea74f93a5f49fd80a89ab08765',
    '0xc670f338fa40cb8c195b337ada351651832dc2ec14d45e356ab0b00a9aaaf327',
    '0x0a7f3f12f42c4acad38868598ffe702dd99d0f1256b3ce1087ac1747607aa5a6',
  ]);
});

test('every field of a message is under its signature', () => {
  const proposal = { height: 5, round: 2, validRound: 1, blockId };
  const extension = { height: 5, round: 2, content: new Uint8Array(1) };
  const other = new Uint8Array(32).fill(4);
  const all = [
    proposalSignBytes(chain, proposal),
    proposalSignBytes(chain, { ...proposal, height: 6 }),
    proposalSignBytes(chain, { ...proposal, round: 3 }),
    proposalSignBytes(chain, { ...proposal, validRound: 0 }),
    proposalSignBytes(chain, { ...proposal, blockId: other }),
    voteSignBytes(chain, PREVOTE, vote),
    voteSignBytes(chain, PRECOMMIT, vote),
    voteSignBytes(chain, PRECOMMIT, { ...vote, height: 6 }),
    voteSignBytes(chain, PRECOMMIT, { ...vote, round: 3 }),
    voteSignBytes(chain, PRECOMMIT, { ...vote, blockId: other }),
    extensionSignBytes(chain, extension),
    extensionSignBytes(chain, { ...extension, height: 6 }),
    extensionSignBytes(chain, { ...extension, round: 3 }),
    extensionSignBytes(chain, { ...extension, content: new Uint8Array(2) }),
    beaconSignBytes(chain, 5, blockId),
    beaconSignBytes(chain, 6, blockId),
    beaconSignBytes(chain, 5, other),
  ].map(toHex);
  assert.equal(new Set(all).size, all.length);
});
