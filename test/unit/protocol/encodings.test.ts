import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { chainParamsCodec } from '../../../protocol/params-codec.js';
import { PRESET_NAMES, PRESETS } from '../../../protocol/presets.js';
import type { Codec } from '../../../protocol/ssz/codec.js';
import { AUDIT_ENTRY_BYTES, auditEntryCodec } from '../../../protocol/types/audit.js';
import { AuditEntryType, SignedAuditEntryType } from '../../../protocol/types/audit.js';
import { BlockType } from '../../../protocol/types/block.js';
import { BodyType } from '../../../protocol/types/body.js';
import { CODECS, type CodecName } from '../../../protocol/types/codecs.js';
import { CommitType, ExtendedCommitType } from '../../../protocol/types/commit.js';
import { EvidenceType } from '../../../protocol/types/evidence.js';
import { VoteExtensionType } from '../../../protocol/types/extension.js';
import { HeaderType } from '../../../protocol/types/header.js';
import { BlockReceiptsType, ReceiptType } from '../../../protocol/types/receipt.js';
import { ProposalType } from '../../../protocol/types/proposal.js';
import { ValidatorSetType } from '../../../protocol/types/validators.js';
import { VoteType } from '../../../protocol/types/vote.js';
import { naiveRoot, naiveSerialize } from '../../support/naive-ssz.js';
import { createPrng } from '../../support/prng.js';
import { SAMPLES } from '../../support/samples.js';
import { assertVector } from '../../support/vectors.js';

interface Fixture {
  readonly bytes: number;
  readonly encodingSha256: string;
  readonly root: string;
}

const FIXTURES = 'encodings.json';
const NAMES = Object.keys(CODECS) as CodecName[];

/** A codec whose value type is forgotten: samples and codecs meet by name. */
function codecAndSample(name: CodecName, seed: number): { codec: Codec<unknown>; value: unknown } {
  return { codec: CODECS[name], value: SAMPLES[name](createPrng(seed)) };
}

function fixtureOf(codec: Codec<unknown>, value: unknown): Fixture {
  const encoding = codec.encode(value);
  return { bytes: encoding.length, encodingSha256: toHex(sha256(encoding)), root: toHex(codec.root(value)) };
}

function currentFixtures(): Record<string, Fixture> {
  const objects = NAMES.flatMap((name) =>
    [1, 2, 3].map((seed) => {
      const { codec, value } = codecAndSample(name, seed);
      return [`${name}/${seed}`, fixtureOf(codec, value)] as const;
    }),
  );
  const presets = PRESET_NAMES.map(
    (name) =>
      [`params/${name}`, fixtureOf(chainParamsCodec as Codec<unknown>, PRESETS[name].params)] as const,
  );
  return Object.fromEntries([...objects, ...presets]);
}

test('encodings and roots are what they were: changing a format is an explicit act', () => {
  assertVector(FIXTURES, currentFixtures());
});

describe('every object', () => {
  for (const name of NAMES) {
    test(`${name}: decode(encode(x)) = x and encode(decode(b)) = b`, () => {
      for (let seed = 0; seed < 200; seed++) {
        const { codec, value } = codecAndSample(name, seed);
        const bytes = codec.encode(value);
        const decoded = codec.decode(bytes);
        assert.deepEqual(decoded, value, `seed ${seed}`);
        assert.deepEqual(codec.encode(decoded), bytes, `seed ${seed}`);
        assert.ok(bytes.length <= codec.maxBytes);
      }
    });
  }
});

describe('an independent implementation of the specification agrees', () => {
  const types: Partial<Record<CodecName, unknown>> = {
    header: HeaderType,
    body: BodyType,
    block: BlockType,
    vote: VoteType,
    voteExtension: VoteExtensionType,
    proposal: ProposalType,
    commit: CommitType,
    extendedCommit: ExtendedCommitType,
    evidence: EvidenceType,
    validatorSet: ValidatorSetType,
    receipt: ReceiptType,
    blockReceipts: BlockReceiptsType,
    auditEntry: AuditEntryType,
    signedAuditEntry: SignedAuditEntryType,
  };
  for (const name of NAMES.filter((candidate) => candidate in types)) {
    test(name, () => {
      for (let seed = 0; seed < 40; seed++) {
        const { codec, value } = codecAndSample(name, seed);
        assert.equal(toHex(codec.encode(value)), toHex(naiveSerialize(types[name], value)), `seed ${seed}`);
        assert.equal(toHex(codec.root(value)), toHex(naiveRoot(types[name], value)), `seed ${seed}`);
      }
    });
  }
});

test('an audit entry has the size that the capacity of an extension is computed from', () => {
  assert.equal(auditEntryCodec.encode(SAMPLES.auditEntry(createPrng(1))).length, AUDIT_ENTRY_BYTES);
});
