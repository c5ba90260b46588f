import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LocalBlock } from '../../../node/consensus/block-execution.js';
import { duplicateVote } from '../../../consensus/evidence.js';
import { toHex } from '../../../protocol/bytes.js';
import { keccak256 } from '../../../protocol/crypto/hash.js';
import { BitArray } from '../../../protocol/ssz/types.js';
import type { Block } from '../../../protocol/types/block.js';
import { bodyRoots, type Body } from '../../../protocol/types/body.js';
import { emptyCommit } from '../../../protocol/types/commit.js';
import { blockId, type Header } from '../../../protocol/types/header.js';
import { isNilBlockId, PREVOTE } from '../../../protocol/types/vote.js';
import { anyTransaction } from '../../sim/consensus/client.js';
import { createPrng } from '../../support/prng.js';
import { Town, type HandNode } from '../../support/participants.js';

/** What the proposer of round 0 could send, and a node that judges it. */
interface Scene {
  readonly town: Town;
  readonly judge: HandNode;
  readonly proposer: number;
  readonly good: LocalBlock;
}

/** Nodes that have decided `height` blocks and are about to hear of the next. */
async function sceneAt(height: number, isReal = false): Promise<Scene> {
  const town = await Town.create(4, isReal);
  await town.openAll();
  if (height > 0) await town.runTo(height);
  town.deliver = () => [];
  await town.settle();
  const [first] = town.nodes;
  assert.ok(first);
  const { proposer, local: good } = town.proposalFor(first);
  const judge = town.nodes.find((node) => node.index !== proposer && node.height === height);
  assert.ok(judge);
  return { town, judge, proposer, good };
}

/** Proposes a block, and tells what the judge makes of it. */
async function verdict({ town, judge, proposer }: Scene, block: Block): Promise<string> {
  const { height } = block.header;
  await judge.receive(town.signProposal(proposer, block), proposer);
  await judge.receive({ kind: 'block', block }, proposer);
  assert.deepEqual(judge.stops, [], 'a block of others stops nobody');
  assert.deepEqual(judge.blamed, []);
  const vote = judge.vote(PREVOTE, height);
  assert.ok(vote, 'the judge has voted');
  if (isNilBlockId(vote.vote.payload.blockId)) return judge.warnings.at(-1)?.code ?? 'untimely';
  assert.equal(toHex(vote.vote.payload.blockId), toHex(blockId(block.header)));
  return 'valid';
}

function withHeader({ block }: LocalBlock, change: Partial<Header>): Block {
  return { header: { ...block.header, ...change }, body: block.body };
}

/** With another body, to which the header commits. */
function withBody({ block }: LocalBlock, change: Partial<Body>): Block {
  const body = { ...block.body, ...change };
  const roots = bodyRoots(body, body.transactions.map(keccak256));
  return { header: { ...block.header, ...roots }, body };
}

const ROOT = new Uint8Array(32).fill(5);

describe('a proposed block', () => {
  for (const height of [0, 1, 2]) {
    test(`is prevoted where it is right, at height ${height + 1}`, async () => {
      const scene = await sceneAt(height);
      assert.equal(await verdict(scene, scene.good.block), 'valid');
    });
  }

  test('is prevoted where it is right, with BLS', async () => {
    const scene = await sceneAt(1, true);
    assert.equal(await verdict(scene, scene.good.block), 'valid');
  });

  const headers: readonly [code: string, change: (header: Header) => Partial<Header>][] = [
    ['HEADER_PARENT', () => ({ parentId: ROOT })],
    ['HEADER_CHAIN_ID', ({ chainId }) => ({ chainId: chainId + 1 })],
    ['HEADER_VERSION', ({ protocolVersion }) => ({ protocolVersion: protocolVersion + 1 })],
    ['HEADER_VALIDATORS_HASH', () => ({ validatorsHash: ROOT })],
    ['HEADER_REVEAL', () => ({ beaconReveal: new Uint8Array(96).fill(0x91) })],
    ['BLOCK_OUTCOME_MISMATCH', () => ({ stateRoot: ROOT })],
    ['BLOCK_OUTCOME_MISMATCH', () => ({ receiptsRoot: ROOT })],
    ['BLOCK_OUTCOME_MISMATCH', () => ({ nextValidatorsHash: ROOT })],
    ['BLOCK_OUTCOME_MISMATCH', ({ gasUsed }) => ({ gasUsed: gasUsed + 1 })],
    ['BLOCK_OUTCOME_MISMATCH', ({ baseFeeWei }) => ({ baseFeeWei: baseFeeWei + 1n })],
    ['HEADER_TIME_NOT_AFTER_PARENT', () => ({ timeMs: 0 })],
    ['HEADER_TIME_TOO_LATE', () => ({ timeMs: Number.MAX_SAFE_INTEGER })],
  ];
  for (const [index, [code, change]] of headers.entries()) {
    test(`gets nil for its header: ${code} (${index})`, async () => {
      const scene = await sceneAt(2);
      assert.equal(await verdict(scene, withHeader(scene.good, change(scene.good.block.header))), code);
    });
  }

  const bodies: readonly [code: string, change: (scene: Scene) => Partial<Body>][] = [
    ['COMMIT_HEIGHT', () => ({ parentCommit: emptyCommit() })],
    ['COMMIT_BITMAP_LENGTH', ({ good }) => ({ parentCommit: signedBy(good, [true, true, true]) })],
    ['COMMIT_POWER', ({ good }) => ({ parentCommit: signedBy(good, [true, true, false, false]) })],
    ['COMMIT_SIGNATURE', ({ good }) => ({ parentCommit: signedBy(good, [true, true, true, false]) })],
    ['EXTENDED_COMMIT_COUNT', () => ({ parentExtensions: [] })],
    [
      'EXTENSIONS_SIGNATURE',
      ({ good }) => ({
        parentExtensions: good.block.body.parentExtensions.map((extension) => ({
          ...extension,
          payload: { ...extension.payload, content: Uint8Array.of(1) },
        })),
      }),
    ],
    ['RLP_OVERRUN', () => ({ transactions: [Uint8Array.of(0xc1)] })],
    [
      'BLOCK_TRANSACTION_INADMISSIBLE',
      ({ town }) => ({
        transactions: [anyTransaction(town.chain, town.validator(0), 7, createPrng(1))],
      }),
    ],
    [
      'EVIDENCE_SIGNATURE',
      ({ town }) => {
        const [one, two] = [1, 2].map((fill) =>
          town.signVote(3, PREVOTE, { height: 1, round: 0, blockId: new Uint8Array(32).fill(fill) }),
        );
        assert.ok(one && two);
        const evidence = duplicateVote(one.vote, { ...two.vote, signature: one.vote.signature });
        assert.ok(evidence);
        return { evidence: [evidence] };
      },
    ],
    [
      'BLOCK_EVIDENCE_INADMISSIBLE',
      ({ town }) => {
        const [one, two] = [1, 2].map((fill) =>
          town.signVote(3, PREVOTE, { height: 900, round: 0, blockId: new Uint8Array(32).fill(fill) }),
        );
        const evidence = one && two && duplicateVote(one.vote, two.vote);
        assert.ok(evidence);
        return { evidence: [evidence] };
      },
    ],
  ];
  for (const [index, [code, change]] of bodies.entries()) {
    test(`gets nil for its body: ${code} (${index})`, async () => {
      const scene = await sceneAt(2);
      const told = await verdict(scene, withBody(scene.good, change(scene)));
      assert.equal(told, code);
    });
  }

  test('gets nil at height 1 when it says that somebody voted for the genesis', async () => {
    const scene = await sceneAt(0);
    const parentCommit = { ...emptyCommit(), round: 1 };
    assert.equal(await verdict(scene, withBody(scene.good, { parentCommit })), 'BODY_FIRST_BLOCK');
  });

  test('gets nil when it is too large', async () => {
    const scene = await sceneAt(0);
    const { maxBlockBytes } = scene.judge.participant.tip.params.blocks;
    const large = new Uint8Array(100_000);
    const transactions = Array.from({ length: Math.ceil(maxBlockBytes / large.length) + 1 }, () => large);
    assert.match(
      await verdict(scene, withBody(scene.good, { transactions })),
      /^(BODY_TOO_LARGE|TX_TYPE_UNKNOWN|RLP_[A-Z_]+|TX_[A-Z_]+)$/,
    );
  });

  function signedBy({ block }: LocalBlock, bits: boolean[]): Body['parentCommit'] {
    return { ...block.body.parentCommit, signers: BitArray.fromBoolArray(bits) };
  }
});
