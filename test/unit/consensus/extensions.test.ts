import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkExtensions, chooseExtensions, type ExtensionContext } from '../../../consensus/extensions.js';
import { assembleCommit } from '../../../consensus/commit.js';
import { toHex } from '../../../protocol/bytes.js';
import { MAX_BLOCK_EXTENSIONS } from '../../../protocol/limits.js';
import { voteExtensionCodec, type VoteExtension } from '../../../protocol/types/extension.js';
import { equalCommittee, TEST_CHAIN, TestMember } from '../../support/committee.js';
import { codeOf } from '../../support/error-code.js';
import { cancellingPair } from '../crypto/hostile-points.js';

const PARENT = 9;
const { committee, members } = equalCommittee(5);
/** The set of the height before had other members too. */
const before = equalCommittee(7, 1);

const payload = { height: PARENT, round: 2, blockId: new Uint8Array(32).fill(3) };
const parentCommit = assembleCommit(
  committee,
  TEST_CHAIN,
  members.slice(0, 4).map((member) => member.precommit(payload)),
);

function extensionOf(member: TestMember | undefined, height = PARENT, round = 2, bytes = 0): VoteExtension {
  assert.ok(member);
  return member.extension({ height, round, content: new Uint8Array(bytes).fill(1) });
}

const ofSigners = members.slice(0, 4).map((member, i) => extensionOf(member, PARENT, 2, i));
/** The parent carries those of all members of the set before but the last two. */
const parentExtensions = before.members.slice(0, 5).map((member) => extensionOf(member, PARENT - 1, 0));
const [missedOne, missedTwo] = before.members.slice(5);

const context: ExtensionContext = {
  parentCommit,
  parentCommittee: committee,
  grandparentCommittee: before.committee,
  parentExtensions,
  chainAt: () => TEST_CHAIN,
};

const lateBefore = [extensionOf(missedOne, PARENT - 1, 0), extensionOf(missedTwo, PARENT - 1, 3, 5)];
const lateParent = extensionOf(members[4], PARENT, 0);
const everything = [...ofSigners, ...lateBefore, lateParent];
const check = (extensions: readonly VoteExtension[], changes: Partial<ExtensionContext> = {}): string =>
  codeOf(() => checkExtensions({ ...context, ...changes }, extensions));

test('the extensions of all signers, and any of the late ones in order', () => {
  assert.equal(check(ofSigners), 'none');
  assert.equal(check([...ofSigners, lateParent]), 'none');
  assert.equal(check([...ofSigners, ...lateBefore]), 'none');
  assert.equal(check(everything), 'none');
});

test('the signers of the commit come first, without exception', () => {
  assert.equal(check([]), 'EXTENDED_COMMIT_COUNT');
  assert.equal(check(ofSigners.slice(0, 3)), 'EXTENDED_COMMIT_COUNT');
  assert.equal(check([...ofSigners.slice(1), lateParent]), 'EXTENDED_COMMIT_SIGNER');
  const [first, ...rest] = ofSigners;
  assert.ok(first);
  const otherRound = extensionOf(members[0], PARENT, 0);
  assert.equal(check([otherRound, ...rest]), 'EXTENDED_COMMIT_PLACE');
});

test('late ones are of the two heights, by members, once and in order', () => {
  const stranger = new TestMember(99);
  const cases: readonly (readonly [string, readonly VoteExtension[]])[] = [
    ['EXTENSIONS_HEIGHT', [extensionOf(members[4], PARENT + 1)]],
    ['EXTENSIONS_HEIGHT', [extensionOf(members[4], PARENT - 2)]],
    ['EXTENSIONS_STRANGER', [extensionOf(stranger)]],
    ['EXTENSIONS_STRANGER', [extensionOf(missedOne, PARENT)]],
    ['EXTENSIONS_REPEATED', [extensionOf(members[0], PARENT, 0)]],
    ['EXTENSIONS_REPEATED', [extensionOf(members[0], PARENT - 1, 1)]],
    ['EXTENSIONS_REPEATED', [lateParent, extensionOf(members[4], PARENT, 1)]],
    ['EXTENSIONS_UNSORTED', [lateParent, ...lateBefore]],
    ['EXTENSIONS_UNSORTED', [...lateBefore].reverse()],
  ];
  for (const [code, late] of cases) assert.equal(check([...ofSigners, ...late]), code);
  const tooMany = Array.from({ length: MAX_BLOCK_EXTENSIONS + 1 }, () => lateParent);
  assert.equal(check(tooMany), 'EXTENSIONS_TOO_MANY');
  assert.equal(check(everything, { grandparentCommittee: undefined }), 'EXTENSIONS_HEIGHT');
});

test('every signature is checked, those of one message together', () => {
  for (const [position, extension] of everything.entries()) {
    const swapped = everything[(position + 1) % everything.length]?.signature ?? new Uint8Array(96);
    const changed = everything.with(position, { ...extension, signature: swapped });
    assert.equal(check(changed), 'EXTENSIONS_SIGNATURE', `extension ${position}`);
  }
  const empty = members.slice(0, 4).map((member) => extensionOf(member));
  const [one, two, ...rest] = empty;
  assert.ok(one && two);
  const [left, right] = cancellingPair(one.signature, two.signature, 3n);
  assert.equal(check(empty), 'none');
  assert.equal(
    check([{ ...one, signature: left }, { ...two, signature: right }, ...rest]),
    'EXTENSIONS_SIGNATURE',
  );
});

test('only what was verified before is not verified again', () => {
  const [first, ...rest] = everything;
  assert.ok(first);
  const bad = { ...first, signature: new Uint8Array(96) };
  const judge = (known: VoteExtension): string =>
    codeOf(() => checkExtensions(context, [bad, ...rest], (extension) => extension === known));
  assert.equal(judge(first), 'EXTENSIONS_SIGNATURE');
  assert.equal(judge(bad), 'none');
});

const bytesOf = (extensions: readonly VoteExtension[]): number =>
  extensions.reduce((sum, extension) => sum + 4 + voteExtensionCodec.encode(extension).length, 0);

test('a proposal carries what the rules allow, and its own check agrees', () => {
  const candidates = [
    lateParent,
    extensionOf(members[4], PARENT, 2, 7),
    ...lateBefore,
    extensionOf(members[0]),
    extensionOf(members[0], PARENT - 1, 1),
    extensionOf(new TestMember(99)),
    extensionOf(members[4], PARENT + 1),
    extensionOf(members[4], PARENT - 2),
  ];
  const chosen = chooseExtensions(context, ofSigners, candidates, 1_000_000);
  assert.equal(check(chosen), 'none');
  assert.deepEqual(
    chosen.slice(4).map(({ payload: { height, round }, validator }) => [height, round, toHex(validator)]),
    [
      ...lateBefore.map((extension) => [PARENT - 1, extension.payload.round, toHex(extension.validator)]),
      [PARENT, 2, toHex(members[4]?.id ?? new Uint8Array())],
    ],
  );
  for (const maxLateBytes of [0, bytesOf(lateBefore) - 1, bytesOf(lateBefore)]) {
    const some = chooseExtensions(context, ofSigners, candidates, maxLateBytes);
    assert.ok(bytesOf(some.slice(4)) <= maxLateBytes);
    assert.equal(check(some), 'none');
  }
  assert.deepEqual(chooseExtensions(context, ofSigners, lateBefore, bytesOf(lateBefore)), [
    ...ofSigners,
    ...lateBefore,
  ]);
});
