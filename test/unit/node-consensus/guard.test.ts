import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Message, SignedVote } from '../../../consensus/messages.js';
import { bytesEqual } from '../../../protocol/bytes.js';
import { isNilBlockId, PRECOMMIT, PREVOTE } from '../../../protocol/types/vote.js';
import { Town, type HandNode } from '../../support/participants.js';

/** Decided while the key of node 0 votes on another machine and node 0 hears nothing. */
const ELSEWHERE = 4;
const SILENCE = 'SIGNER_SIGNED_ELSEWHERE';

describe('a validator whose key is used on another machine too', () => {
  test('falls silent when it learns of a block that the other one has signed, and follows the chain', async () => {
    const { town, node } = await townWithCopiedKey();
    await town.runTo(ELSEWHERE + 2);
    const codes = node.warnings.map(({ code }) => code).filter((code) => code === SILENCE);
    assert.deepEqual(codes, [SILENCE]);
    assert.deepEqual(node.stops, []);
    assert.deepEqual(votesAfter(node, ELSEWHERE), [], 'nothing is signed from then on');
  });

  test('refuses to start again', async () => {
    const { town, node } = await townWithCopiedKey();
    await town.runTo(ELSEWHERE + 1);
    await assert.rejects(node.restart(), { code: SILENCE });
  });

  test('learns it from the block after, where its own commit does not show it', async () => {
    const { town, node } = await townWithCopiedKey({ isShownByCommit: false });
    await town.runTo(ELSEWHERE + 2);
    assert.ok(node.warnings.some(({ code }) => code === SILENCE));
    assert.deepEqual(votesAfter(node, ELSEWHERE + 1), []);
  });

  test('goes on where all the other one did is what was signed here', async () => {
    const town = await Town.create(4);
    await town.openAll();
    await town.runTo(2);
    await town.node(0).restart();
    await town.runTo(6);
    assert.deepEqual(town.node(0).warnings, []);
    assert.ok(votesAfter(town.node(0), 4).length > 0);
  });
});

/**
 * Three of four validators decide a height with a vote of the first that the first has not signed; then it hears of that.
 *
 * @param isShownByCommit false where the first gets the commit of the fourth, which has not heard the copied key
 */
async function townWithCopiedKey({ isShownByCommit = true } = {}): Promise<{ town: Town; node: HandNode }> {
  const town = await Town.create(4);
  await town.openAll();
  await town.runTo(ELSEWHERE - 1);
  town.deliver = ({ from, message }, to) => {
    const isAway = others(town).some((one) => one.height < ELSEWHERE);
    if (isAway && (from === 0 || to === 0)) return [];
    const isOfFourth = from === 3 && message.kind === 'vote' && message.vote.vote.kind === PRECOMMIT;
    if (isAway) return isOfFourth ? [] : to === 3 ? [message] : withCopy(town, from, message);
    const isWrongCommit = !isShownByCommit && from !== 3 && message.kind === 'commit';
    return to === 0 && isWrongCommit ? [] : [message];
  };
  await town.runTo(ELSEWHERE, others(town));
  return { town, node: town.node(0) };
}

function others(town: Town): readonly HandNode[] {
  return town.nodes.slice(1);
}

/** What node 1 votes for the copied key votes for too. */
function withCopy(town: Town, from: number, message: Message): readonly Message[] {
  if (from !== 1 || message.kind !== 'vote' || message.vote.vote.payload.height !== ELSEWHERE)
    return [message];
  const { kind, payload } = message.vote.vote;
  if (isNilBlockId(payload.blockId)) return [message];
  const vote = town.signVote(0, kind === PRECOMMIT ? PRECOMMIT : PREVOTE, payload);
  return [message, { kind: 'vote', vote }];
}

function votesAfter({ sent, validator }: HandNode, height: number): SignedVote[] {
  return sent
    .flatMap(({ message }) => (message.kind === 'vote' ? [message.vote] : []))
    .filter(({ vote }) => vote.payload.height > height && bytesEqual(vote.validator, validator.id));
}
