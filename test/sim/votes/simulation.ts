import assert from 'node:assert/strict';
import { concatBytes, toHex } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { nextBeacon } from '../../../protocol/domains.js';
import { blockCodec } from '../../../protocol/types/block.js';
import { commitCodec, emptyCommit } from '../../../protocol/types/commit.js';
import { blockId } from '../../../protocol/types/header.js';
import { voteCodec, type VotePayload } from '../../../protocol/types/vote.js';
import { createPrng, type Prng } from '../../support/prng.js';
import { collect, verifyCommit } from './collector.js';
import { CRIMES, type CrimeName } from './crimes.js';
import { buildBlock, precommit, type Tip } from './height.js';
import { createWorld, type World } from './world.js';

export interface SimulationOptions {
  readonly nodes: number;
  readonly heights: number;
}

export interface SimulationResult {
  /** Hash over every message and every outcome in order: equal for equal seeds. */
  readonly eventHash: string;
  readonly committed: number;
  readonly crimes: number;
}

/**
 * Grows a chain of real objects with real signatures while some validators misbehave, and checks at every height that exactly
 * the honest votes count, that equivocators are found and that commits prove what they claim.
 *
 * @throws AssertionError on a broken promise
 */
export function simulate(seed: number, options: SimulationOptions): SimulationResult {
  const prng = createPrng(seed);
  const world = createWorld(prng, options.nodes);
  let tip: Tip = {
    height: 0,
    id: world.identity.genesisId,
    timeMs: 1_700_000_000_000,
    beacon: new Uint8Array(32),
    commit: emptyCommit(),
  };
  let eventHash: Uint8Array = new Uint8Array(32);
  let [committed, crimes] = [0, 0];
  for (let height = 0; height < options.heights; height++) {
    const block = blockCodec.decode(blockCodec.encode(buildBlock(world, prng, tip)));
    const payload: VotePayload = { height: tip.height + 1, round: 0, blockId: blockId(block.header) };
    const sent = castVotes(world, prng, payload);
    const collected = collect(world, payload, sent.messages);
    checkVotes(world, payload, sent, collected);
    crimes += sent.crimes.size;
    eventHash = sha256(concatBytes(eventHash, ...sent.messages, payload.blockId));
    if (collected.commit === undefined) continue;
    const commit = commitCodec.decode(commitCodec.encode(collected.commit));
    assert.ok(verifyCommit(world, commit), 'an assembled commit verifies');
    assert.ok(
      !verifyCommit(world, { ...commit, height: commit.height + 1 }),
      'a commit proves one height only',
    );
    const { beaconReveal, timeMs } = block.header;
    const beacon = nextBeacon(world.identity.chainId, tip.beacon, beaconReveal);
    tip = { height: payload.height, id: payload.blockId, timeMs, beacon, commit };
    committed++;
  }
  return { eventHash: toHex(eventHash), committed, crimes };
}

interface Sent {
  readonly messages: readonly Uint8Array[];
  readonly crimes: ReadonlyMap<string, CrimeName>;
}

/** Every member votes; about one in four commits a crime instead. The network reorders. */
function castVotes(world: World, prng: Prng, payload: VotePayload): Sent {
  const crimes = new Map<string, CrimeName>();
  const names = Object.keys(CRIMES) as CrimeName[];
  const messages = world.members.flatMap((member, index) => {
    if (!prng.chance(1, 4)) return [voteCodec.encode(precommit(world, member, payload))];
    const crime = prng.pick(names);
    crimes.set(toHex(member.id), crime);
    const other = world.members[(index + 1) % world.members.length] ?? member;
    return CRIMES[crime]({ world, prng, member, other, payload });
  });
  for (let i = messages.length - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [messages[i], messages[j]] = [messages[j] ?? new Uint8Array(0), messages[i] ?? new Uint8Array(0)];
  }
  return { messages, crimes };
}

/** A vote counts if and only if its very bytes were sent; who signed two is known. */
function checkVotes(
  world: World,
  payload: VotePayload,
  sent: Sent,
  collected: ReturnType<typeof collect>,
): void {
  const wire = new Set(sent.messages.map(toHex));
  const expected = world.members.filter((member) =>
    wire.has(toHex(voteCodec.encode(precommit(world, member, payload)))),
  );
  const counted = collected.votes.map(({ validator }) => toHex(validator));
  assert.deepEqual(
    counted.sort(),
    expected.map(({ id }) => toHex(id)).sort(),
    'exactly the honest votes count',
  );
  const guilty = [...sent.crimes].filter(([, crime]) => crime === 'equivocation').map(([id]) => id);
  assert.deepEqual([...collected.equivocators].sort(), guilty.sort(), 'exactly the equivocators are found');
}
