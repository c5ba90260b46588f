import { test } from 'node:test';
import { sampleSegments } from '../../../consensus/verification/sampling.js';
import { drawSeats } from '../../../consensus/verification/seats.js';
import { auditSeed, drawsOf } from '../../../consensus/verification/seed.js';
import { keyCommitmentOf, leafOf, leavesOf, saltOf } from '../../../protocol/audit/commitment.js';
import { auditNonceRoot, auditRecordSignBytes, nonceOf, sealOf } from '../../../protocol/audit/seal.js';
import { treeBranch, treeRoot } from '../../../protocol/audit/tree.js';
import { toHex } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { addressOf } from '../../support/audit-world.js';
import { assertVector } from '../../support/vectors.js';

const hash = (number: number): Uint8Array => sha256(Uint8Array.of(number));
const subject = { chainId: 64_782, job: hash(1), attempt: 2 };
const identity = { chainId: 64_782, genesisId: hash(2), protocolVersion: 1 };
const jobKey = hash(3);
const states = [4, 5, 6, 7, 8].map(hash);

/** Every hash and draw of the specification once. */
function current(): Record<string, unknown> {
  const root = treeRoot(leavesOf(subject, jobKey, states));
  const seed = auditSeed(subject, 1, root, hash(9));
  const draws = drawsOf(subject.chainId, seed);
  const validator = addressOf(1, 3);
  const verifiers = [5, 1, 7, 3, 2, 9].map((power, i) => ({
    id: addressOf(1, i),
    operator: addressOf(2, i % 5),
    power,
  }));
  const nonce = nonceOf(subject.chainId, new Uint8Array(96).fill(5));
  const empty = { segment: 0xffff, flags: 0, digest: hash(10), nonce: new Uint8Array(32) };
  const entry = { kind: 1, subject: subject.job, attempt: 2, auditRound: 1, ...empty };
  const sample = (kind: 'batch' | 'chain', segments: number): number[] =>
    sampleSegments({ kind, segments, sampled: 4, full: false }, draws);
  return {
    salt: toHex(saltOf(subject, jobKey, 3)),
    leaf: toHex(leafOf(subject, 3, saltOf(subject, jobKey, 3), states[3] ?? jobKey)),
    root: toHex(root),
    branchOfLeaf4: treeBranch(leavesOf(subject, jobKey, states), 4).map(toHex),
    keyCommitment: toHex(keyCommitmentOf(subject, jobKey, treeRoot(states))),
    seed: toHex(seed),
    segments: {
      batch64: sample('batch', 64),
      batch11: sample('batch', 11),
      chain64: sample('chain', 64),
      chain19: sample('chain', 19),
    },
    seatsOfSegment7: drawSeats(verifiers, 7, 4, draws).map(({ id }) => toHex(id)),
    nonceRoot: toHex(auditNonceRoot(identity, subject, 1)),
    nonce: toHex(nonce),
    seal: toHex(sealOf(subject, { auditRound: 1, validator, answerRoot: treeRoot(states), nonce })),
    recordSignBytes: toHex(auditRecordSignBytes(identity, entry)),
  };
}

test('hashes and draws are what they were: changing one is an explicit act', () => {
  assertVector('audit.json', current());
});
