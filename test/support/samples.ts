import { BitArray, type ValueOf } from '../../protocol/ssz/types.js';
import type { AuditEntry, SignedAuditEntry } from '../../protocol/types/audit.js';
import type { Block } from '../../protocol/types/block.js';
import type { Body } from '../../protocol/types/body.js';
import type { CODECS, CodecName } from '../../protocol/types/codecs.js';
import type { Commit, ExtendedCommit } from '../../protocol/types/commit.js';
import type { Evidence, EvidenceType } from '../../protocol/types/evidence.js';
import type { ExtensionPayload, VoteExtension } from '../../protocol/types/extension.js';
import type { Header } from '../../protocol/types/header.js';
import type { Proposal, ProposalPayload } from '../../protocol/types/proposal.js';
import type { BlockReceipts, Log, Receipt } from '../../protocol/types/receipt.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import type { Vote, VotePayload } from '../../protocol/types/vote.js';
import type { Prng } from './prng.js';

/** Random well-formed values of every consensus object; sizes stay small, edges (zero, empty, largest) come up often. */
export const SAMPLES: { readonly [Name in CodecName]: (prng: Prng) => SampleOf<Name> } = {
  header,
  body,
  block: (prng): Block => ({ header: header(prng), body: body(prng) }),
  votePayload,
  vote,
  extensionPayload,
  voteExtension,
  proposalPayload,
  proposal,
  commit,
  extendedCommit: (prng): ExtendedCommit => ({
    commit: commit(prng),
    extensions: some(prng, 4, voteExtension),
  }),
  evidence,
  validatorSet: (prng): ValidatorSet =>
    some(prng, 6, () => ({
      id: prng.bytes(20),
      blsPublicKey: prng.bytes(48),
      votingPower: safeInteger(prng),
    })),
  receipt,
  blockReceipts: (prng): BlockReceipts => ({
    beginLogs: some(prng, 3, log),
    receipts: some(prng, 3, receipt),
    endLogs: some(prng, 3, log),
  }),
  auditEntry,
  auditEntries: (prng) => some(prng, 20, auditEntry),
  signedAuditEntry: (prng): SignedAuditEntry => ({
    entry: auditEntry(prng),
    validator: prng.bytes(20),
    signature: prng.bytes(96),
  }),
};

type SampleOf<Name extends CodecName> = ReturnType<(typeof CODECS)[Name]['decode']>;

function header(prng: Prng): Header {
  return {
    protocolVersion: uint(prng, 32),
    chainId: safeInteger(prng),
    height: safeInteger(prng),
    round: uint(prng, 32),
    timeMs: safeInteger(prng),
    parentId: prng.bytes(32),
    proposer: prng.bytes(20),
    beaconReveal: prng.bytes(96),
    transactionsRoot: prng.bytes(32),
    evidenceRoot: prng.bytes(32),
    parentCommitRoot: prng.bytes(32),
    extensionsRoot: prng.bytes(32),
    receiptsRoot: prng.bytes(32),
    logsBloom: prng.bytes(256),
    stateRoot: prng.bytes(32),
    validatorsHash: prng.bytes(32),
    nextValidatorsHash: prng.bytes(32),
    gasUsed: safeInteger(prng),
    gasLimit: safeInteger(prng),
    baseFeeWei: prng.pick([0n, (1n << 128n) - 1n, prng.bigint(128)]),
    extraData: bytesUpTo(prng, 32),
  };
}

function body(prng: Prng): Body {
  return {
    transactions: some(prng, 5, () => bytesUpTo(prng, 300)),
    evidence: some(prng, 3, evidence),
    parentCommit: commit(prng),
    parentExtensions: some(prng, 4, voteExtension),
  };
}

function votePayload(prng: Prng): VotePayload {
  return { height: safeInteger(prng), round: uint(prng, 32), blockId: prng.bytes(32) };
}

function vote(prng: Prng): Vote {
  return {
    kind: prng.pick([1, 2]),
    payload: votePayload(prng),
    validator: prng.bytes(20),
    signature: prng.bytes(96),
  };
}

function extensionPayload(prng: Prng): ExtensionPayload {
  return { height: safeInteger(prng), round: uint(prng, 32), content: bytesUpTo(prng, 2048) };
}

function voteExtension(prng: Prng): VoteExtension {
  return { payload: extensionPayload(prng), validator: prng.bytes(20), signature: prng.bytes(96) };
}

function proposalPayload(prng: Prng): ProposalPayload {
  return {
    height: safeInteger(prng),
    round: uint(prng, 32),
    validRound: prng.pick([0xffff_ffff, uint(prng, 32)]),
    blockId: prng.bytes(32),
  };
}

function proposal(prng: Prng): Proposal {
  return { payload: proposalPayload(prng), proposer: prng.bytes(20), signature: prng.bytes(96) };
}

function commit(prng: Prng): Commit {
  const bits = Array.from({ length: prng.pick([0, 1, 7, 8, 9, 150, 1024]) }, () => prng.chance(2, 3));
  return {
    height: safeInteger(prng),
    round: uint(prng, 32),
    blockId: prng.bytes(32),
    signers: BitArray.fromBoolArray(bits),
    signature: prng.bytes(96),
  };
}

function evidence(prng: Prng): Evidence {
  const kinds: readonly (() => ValueOf<typeof EvidenceType>)[] = [
    () => ({ selector: 0, value: { first: proposal(prng), second: proposal(prng) } }),
    () => ({ selector: 1, value: { first: vote(prng), second: vote(prng) } }),
    () => ({ selector: 2, value: { first: voteExtension(prng), second: voteExtension(prng) } }),
  ];
  return prng.pick(kinds)();
}

function log(prng: Prng): Log {
  return { address: prng.bytes(20), topics: some(prng, 4, () => prng.bytes(32)), data: bytesUpTo(prng, 200) };
}

function receipt(prng: Prng): Receipt {
  return {
    type: prng.below(3),
    status: prng.below(2),
    cumulativeGasUsed: safeInteger(prng),
    logs: some(prng, 3, log),
  };
}

function auditEntry(prng: Prng): AuditEntry {
  return {
    kind: 1 + prng.below(5),
    subject: prng.bytes(32),
    attempt: uint(prng, 8),
    auditRound: uint(prng, 8),
    segment: uint(prng, 16),
    flags: uint(prng, 8),
    digest: prng.bytes(32),
    nonce: prng.bytes(32),
  };
}

function some<T>(prng: Prng, most: number, make: (prng: Prng) => T): T[] {
  return Array.from({ length: prng.below(most + 1) }, () => make(prng));
}

function bytesUpTo(prng: Prng, most: number): Uint8Array {
  return prng.bytes(prng.pick([0, 1, most, prng.below(most + 1)]));
}

function uint(prng: Prng, bits: number): number {
  const max = 2 ** bits - 1;
  return prng.pick([0, 1, max, prng.u32() % (max + 1)]);
}

function safeInteger(prng: Prng): number {
  return prng.pick([0, 1, Number.MAX_SAFE_INTEGER, Number(prng.bigint(53))]);
}
