import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteVectorType, VectorCompositeType } from '@chainsafe/ssz';
import {
  isOpening,
  keyCommitmentOf,
  leafOf,
  leavesOf,
  openLeaf,
  provesOutputMismatch,
  saltOf,
} from '../../../protocol/audit/commitment.js';
import { auditNonceRoot, auditRecordSignBytes, nonceOf, sealOf } from '../../../protocol/audit/seal.js';
import { isInTree, treeBranch, treeRoot } from '../../../protocol/audit/tree.js';
import { toHex } from '../../../protocol/bytes.js';
import { bls } from '../../../protocol/crypto/bls.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import {
  AUDIT_SEAL,
  AUDIT_UNAVAILABLE,
  auditEntriesCodec,
  MAX_AUDIT_ENTRIES,
  type AuditEntry,
} from '../../../protocol/types/audit.js';
import { entriesOf, extensionContent, isSignedRecord } from '../../../consensus/verification/entries.js';
import { MAX_EXTENSION_BYTES } from '../../../protocol/limits.js';
import { createPrng } from '../../support/prng.js';

const chunks = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => sha256(Uint8Array.of(i & 0xff, i >> 8)));
const SUBJECT = { chainId: 64_782, job: sha256(Uint8Array.of(1)), attempt: 2 };
const KEY = sha256(Uint8Array.of(2));
const CHAIN = { chainId: 64_782, genesisId: sha256(Uint8Array.of(3)), protocolVersion: 1 };

describe('the tree of a commitment', () => {
  for (const count of [1, 2, 3, 4, 5, 64, 65, 100]) {
    test(`of ${count} chunks is an SSZ vector, and a branch leads nowhere else`, () => {
      const all = chunks(count);
      const root = treeRoot(all);
      const type = new VectorCompositeType(new ByteVectorType(32), count);
      assert.equal(toHex(root), toHex(type.hashTreeRoot(all)));
      for (const index of [0, count >> 1, count - 1]) {
        const [chunk, branch] = [all[index] ?? assert.fail(), treeBranch(all, index)];
        assert.ok(isInTree(root, count, index, chunk, branch));
        assert.ok(!isInTree(root, count, index + 1, chunk, branch));
        assert.ok(!isInTree(root, count, index, sha256(chunk), branch));
        assert.ok(!isInTree(root, count, index, chunk, [...branch, chunk]));
        if (count > 1) assert.ok(!isInTree(root, count, index, chunk, branch.slice(1)));
      }
    });
  }
});

test('an opening shows one leaf of one attempt, and nothing of others', () => {
  const states = chunks(10);
  const root = treeRoot(leavesOf(SUBJECT, KEY, states));
  const opening = openLeaf(SUBJECT, KEY, states, 4);
  assert.ok(isOpening(SUBJECT, root, 10, 4, opening));
  assert.ok(!isOpening(SUBJECT, root, 10, 5, opening));
  assert.ok(!isOpening({ ...SUBJECT, attempt: 3 }, root, 10, 4, opening), 'bound to its attempt');
  assert.ok(!isOpening({ ...SUBJECT, job: KEY }, root, 10, 4, opening), 'bound to its job');
  assert.ok(!isOpening(SUBJECT, root, 10, 4, { ...opening, salt: KEY }));
  assert.ok(!isOpening(SUBJECT, root, 10, 4, { ...opening, stateId: new Uint8Array(31) }));
  const salts = new Set(states.map((_, i) => toHex(saltOf(SUBJECT, KEY, i))));
  assert.equal(salts.size, states.length, 'every leaf has a salt of its own');
  assert.notEqual(
    toHex(leafOf(SUBJECT, 4, KEY, states[4] ?? KEY)),
    toHex(leafOf(SUBJECT, 5, KEY, states[4] ?? KEY)),
  );
});

test('the output root is hidden, and an output that does not match is proved by its states alone', () => {
  const states = chunks(10);
  const root = treeRoot(leavesOf(SUBJECT, KEY, states));
  const other = [...states.slice(0, 9), KEY];
  assert.notEqual(toHex(keyCommitmentOf(SUBJECT, KEY, root)), toHex(keyCommitmentOf(SUBJECT, KEY, KEY)));
  const bad = { jobKey: KEY, outputRoot: treeRoot(other) };
  assert.ok(provesOutputMismatch(SUBJECT, root, bad, other));
  assert.ok(!provesOutputMismatch(SUBJECT, root, bad, states), 'states of another output');
  assert.ok(
    !provesOutputMismatch(SUBJECT, root, { jobKey: KEY, outputRoot: treeRoot(states) }, states),
    'all well',
  );
  assert.ok(!provesOutputMismatch(SUBJECT, root, bad, []));
});

test('a seal is its maker’s, of one round of one attempt; its nonce comes back after a crash', () => {
  const key = new Uint8Array(32).fill(9);
  const nonce = (round: number): Uint8Array =>
    nonceOf(SUBJECT.chainId, bls.sign(key, auditNonceRoot(CHAIN, SUBJECT, round)));
  assert.deepEqual(nonce(0), nonce(0));
  assert.notDeepEqual(nonce(0), nonce(1));
  const sealed = { auditRound: 0, validator: new Uint8Array(20), answerRoot: KEY, nonce: nonce(0) };
  const seals = [
    sealOf(SUBJECT, sealed),
    sealOf(SUBJECT, { ...sealed, auditRound: 1 }),
    sealOf(SUBJECT, { ...sealed, validator: new Uint8Array(20).fill(1) }),
    sealOf(SUBJECT, { ...sealed, answerRoot: sha256(KEY) }),
    sealOf(SUBJECT, { ...sealed, nonce: nonce(1) }),
    sealOf({ ...SUBJECT, attempt: 0 }, sealed),
  ];
  assert.equal(new Set(seals.map(toHex)).size, seals.length);
});

const entry = (number: number, rest: Partial<AuditEntry> = {}): AuditEntry => ({
  ...{ kind: AUDIT_SEAL, subject: sha256(Uint8Array.of(number)), attempt: 0, auditRound: 0, segment: 0xffff },
  ...{ flags: 0, digest: KEY, nonce: new Uint8Array(32), ...rest },
});

describe('entries in a vote extension', () => {
  test('fit as many as there is room for, what is due first before the rest', () => {
    const pending = Array.from({ length: 50 }, (_, i) => ({
      ...{ entry: entry(i), deadline: { timeMs: 1_000 - i, height: 5 } },
    }));
    const content = extensionContent(pending);
    assert.ok(content.length <= MAX_EXTENSION_BYTES);
    assert.deepEqual(
      entriesOf(content),
      Array.from({ length: MAX_AUDIT_ENTRIES }, (_, i) => entry(49 - i)),
    );
    assert.equal(extensionContent([]).length, 0);
  });
  test('content that is no list says nothing', () => {
    const prng = createPrng(5);
    for (const length of [0, 1, 101, 103, 2048]) assert.ok(Array.isArray(entriesOf(prng.bytes(length))));
    assert.deepEqual(entriesOf(new Uint8Array(0)), []);
    assert.deepEqual(entriesOf(new Uint8Array(103)), []);
  });
  test('of several about one round the first counts', () => {
    const content = auditEntriesCodec.encode([entry(1), entry(1, { kind: AUDIT_UNAVAILABLE }), entry(2)]);
    assert.deepEqual(entriesOf(content), [entry(1), entry(2)]);
  });
  test('a record in a transaction is its signer’s, on this chain', () => {
    const secret = new Uint8Array(32).fill(9);
    const key = bls.parsePublicKey(bls.publicKey(secret));
    const record = {
      ...{ entry: entry(1), validator: new Uint8Array(20) },
      signature: bls.sign(secret, auditRecordSignBytes(CHAIN, entry(1))),
    };
    assert.ok(isSignedRecord(bls, CHAIN, key, record));
    assert.ok(!isSignedRecord(bls, { ...CHAIN, chainId: 1 }, key, record));
    assert.ok(!isSignedRecord(bls, CHAIN, key, { ...record, entry: entry(2) }));
  });
});
