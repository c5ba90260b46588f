import { auditEntriesCodec, auditEntryCodec, signedAuditEntryCodec } from './audit.js';
import { blockCodec } from './block.js';
import { bodyCodec } from './body.js';
import { commitCodec, extendedCommitCodec } from './commit.js';
import { evidenceCodec } from './evidence.js';
import { extensionPayloadCodec, voteExtensionCodec } from './extension.js';
import { headerCodec } from './header.js';
import { proposalCodec, proposalPayloadCodec } from './proposal.js';
import { blockReceiptsCodec, receiptCodec } from './receipt.js';
import { validatorSetCodec } from './validators.js';
import { voteCodec, votePayloadCodec } from './vote.js';

/** Every consensus object that crosses a wire or a disk, by name: fixtures and fuzzers go through this list. */
export const CODECS = {
  header: headerCodec,
  body: bodyCodec,
  block: blockCodec,
  votePayload: votePayloadCodec,
  vote: voteCodec,
  extensionPayload: extensionPayloadCodec,
  voteExtension: voteExtensionCodec,
  proposalPayload: proposalPayloadCodec,
  proposal: proposalCodec,
  commit: commitCodec,
  extendedCommit: extendedCommitCodec,
  evidence: evidenceCodec,
  validatorSet: validatorSetCodec,
  receipt: receiptCodec,
  blockReceipts: blockReceiptsCodec,
  auditEntry: auditEntryCodec,
  auditEntries: auditEntriesCodec,
  signedAuditEntry: signedAuditEntryCodec,
} as const;

export type CodecName = keyof typeof CODECS;
