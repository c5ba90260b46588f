import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { countNodes, encodeGraph } from '../../../protocol/graph/encode.js';
import { openProgram } from '../../../protocol/graph/check.js';
import { MAX_GRAPH_NODES } from '../../../protocol/graph/limits.js';
import { sourcesModule } from '../../../state/modules/sources.js';
import { segmentKindOf } from '../../../state/sources/source.js';
import { genesisValidator } from '../../support/ledger.js';
import { attest, ofSource, readSource, registerSource, sampleSource } from '../../support/market.js';
import { createPrng } from '../../support/prng.js';
import { ALICE, BOB, eventValues, StakingChain } from '../../support/staking.js';

const OGPU = WEI_PER_OGPU;
const V1 = new Uint8Array(20).fill(1);
const OUTSIDER = new Uint8Array(20).fill(9);

function chainOfOne(): StakingChain {
  return new StakingChain({ members: [genesisValidator(1)], people: [ALICE, BOB, V1] });
}

test('what is no valid program, or has no bond, is refused with the reason', async () => {
  const chain = chainOfOne();
  const { bytes, graph } = sampleSource();
  const [first] = graph.nodes;
  assert.ok(first);
  const unused = encodeGraph({ ...graph, nodes: [...graph.nodes, first] });
  await chain.refuse(registerSource(ALICE, unused), 'GraphRefused', ['UNUSED', 'nodes[2]', 1n]);
  await chain.refuse(registerSource(ALICE, new Uint8Array(0)), 'GraphRefused', ['SSZ_MALFORMED', '$', 1n]);
  await chain.refuse(registerSource(ALICE, bytes.subarray(0, -1)), 'GraphRefused');
  const tooLong = { ...registerSource(ALICE, new Uint8Array(65_537)), gasLimit: 60_000_000n };
  await chain.refuse(tooLong, 'GraphRefused', ['SSZ_TOO_LONG', '$', 1n]);
  const [bondWei] = chain.viewOf(sourcesModule, 'bondOf', BigInt(bytes.length));
  assert.ok(typeof bondWei === 'bigint' && bondWei > OGPU);
  await chain.refuse(registerSource(ALICE, bytes, bondWei - 1n), 'BondTooLow', [bondWei, bondWei - 1n]);
  await chain.run(registerSource(ALICE, bytes, bondWei));
});

test('who may say what of a source', async () => {
  const chain = chainOfOne();
  const { bytes, id } = sampleSource(1, { isChain: true });
  await chain.refuse(attest(V1, id), 'UnknownSource');
  await chain.run(registerSource(ALICE, bytes));
  await chain.refuse(ofSource(V1, 'attest', id, V1, 3n), 'InvalidVerdict', [3]);
  await chain.refuse(ofSource(ALICE, 'attest', id, V1, 1n), 'NotOwnerOrOperator');
  await chain.refuse(ofSource(ALICE, 'attest', id, OUTSIDER, 1n), 'UnknownValidator');
  await chain.refuse(ofSource(BOB, 'retire', id), 'NotOwner');
  await chain.run(attest(V1, id));
  assert.equal(readSource(chain.ledger, id).status, 1);
  assert.equal(segmentKindOf(readSource(chain.ledger, id)), 'chain');
  const retired = await chain.run(ofSource(ALICE, 'retire', id));
  assert.equal(eventValues(retired, 'SourceClosed')[0]?.[1], 3);
  await chain.refuse(ofSource(ALICE, 'retire', id), 'SourceIsRetired');
  await chain.refuse(attest(V1, id), 'SourceIsRetired');
  await chain.run(attest(V1, id, 0n));
});

test('a retired program is taken over with a bond of its own, and what was said of it holds', async () => {
  const chain = chainOfOne();
  const { bytes, id } = sampleSource();
  await chain.run(registerSource(ALICE, bytes), attest(V1, id));
  const { bondWei } = readSource(chain.ledger, id);
  await chain.run(ofSource(ALICE, 'retire', id));
  const beforeWei = chain.moneyWei(ALICE);
  const taken = await chain.run(registerSource(BOB, bytes));
  assert.equal(chain.moneyWei(ALICE) - beforeWei, bondWei);
  assert.equal(eventValues(taken, 'SourceTakenOver').length, 1);
  assert.equal(eventValues(taken, 'SourceOpened').length, 1);
  for (let block = 0; block < 3; block++) await chain.block({ afterMs: 600_000 });
  assert.deepEqual(readSource(chain.ledger, id).owner, BOB);
});

test('gas grows with bytes and nodes, and is told from the arguments alone', () => {
  const { bytes, graph } = sampleSource();
  const { work } = openProgram(graph);
  assert.ok(work.steps > 0);
  assert.equal(countNodes(bytes), 2);
  const register = sourcesModule.byName.get('register');
  const gas = register?.gasOfArguments?.([bytes]) ?? 0;
  assert.equal(gas, 320 * bytes.length + 2 * 13_000);
  const prng = createPrng(3);
  for (let round = 0; round < 2_000; round++) {
    const garbage = prng.chance(1, 2) ? prng.bytes(prng.below(200)) : Uint8Array.from(bytes);
    if (garbage.length > 0) garbage[prng.below(garbage.length)] = prng.below(256);
    const nodes = countNodes(garbage);
    assert.ok(Number.isInteger(nodes) && nodes >= 0 && nodes <= MAX_GRAPH_NODES);
  }
  // The biggest that can be registered fits a block of the presets.
  assert.ok((register?.gas ?? 0) + 320 * 65_536 + 13_000 * MAX_GRAPH_NODES + 16 * 65_536 < 120_000_000);
});
