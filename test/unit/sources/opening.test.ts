import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { bytesEqual } from '../../../protocol/bytes.js';
import { AUDIT_SOURCE_RUNNABLE, auditEntriesCodec } from '../../../protocol/types/audit.js';
import { plainEntry } from '../../../consensus/verification/statements.js';
import { capableVerifiers } from '../../../state/sources/attestations.js';
import { isOpen } from '../../../state/sources/openness.js';
import { countJobClosed, countJobOpened } from '../../../state/sources/retiring.js';
import { readSourceGraph } from '../../../state/sources/source.js';
import type { Said } from '../../../state/transition/block-input.js';
import { genesisValidator } from '../../support/ledger.js';
import {
  attest,
  onLedger,
  ofSource,
  readSource,
  registerSource,
  sampleSource,
} from '../../support/market.js';
import { ALICE, BOB, eventsOf, eventValues, StakingChain } from '../../support/staking.js';

const [V1, V2, V3, V4] = [1, 2, 3, 4].map((number) => new Uint8Array(20).fill(number)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

function chainOfFour(): StakingChain {
  return new StakingChain({
    members: [1, 2, 3, 4].map((number) => genesisValidator(number)),
    people: [ALICE, BOB, V1, V2, V3, V4],
  });
}

describe('a source', () => {
  test('is registered once, read back, opened by three quarters of power, closed below two thirds', async () => {
    const chain = chainOfFour();
    const { bytes, id } = sampleSource();
    const registered = await chain.run(registerSource(ALICE, bytes));
    assert.deepEqual(registered.calls[0]?.status === 1 && registered.calls[0].values[0], id);
    const bondWei = WEI_PER_OGPU + (BigInt(bytes.length) * WEI_PER_OGPU) / 1_000n;
    assert.equal(readSource(chain.ledger, id).bondWei, bondWei);
    assert.ok(bytesEqual(readSourceGraph(chain.ledger, id) ?? new Uint8Array(0), bytes));
    const beforeWei = chain.moneyWei(BOB);
    const again = await chain.run(registerSource(BOB, bytes));
    assert.deepEqual(eventsOf(again), []);
    assert.equal(chain.moneyWei(BOB), beforeWei);
    await chain.run(attest(V1, id), attest(V2, id));
    assert.equal(isOpen(chain.ledger, id), false);
    const opened = await chain.run(attest(V3, id));
    assert.deepEqual(eventValues(opened, 'SourceOpened').length, 1);
    assert.equal(isOpen(chain.ledger, id), true);
    assert.deepEqual(
      capableVerifiers(chain.ledger, id).map((each) => each.id),
      [V1, V2, V3],
    );
    const closed = await chain.run(attest(V2, id, 0n));
    assert.equal(eventValues(closed, 'SourceClosed')[0]?.[1], 1);
  });

  test('is attested by validators with their votes, one in an extension, and never twice', async () => {
    const chain = chainOfFour();
    const [first, second] = [sampleSource(1), sampleSource(2)];
    await chain.run(registerSource(ALICE, first.bytes), registerSource(ALICE, second.bytes));
    const saying = (validator: Uint8Array, ...ids: readonly Uint8Array[]): Said => ({
      validator,
      content: auditEntriesCodec.encode(
        ids.map((id) => plainEntry({ job: id, attempt: 0 }, AUDIT_SOURCE_RUNNABLE, 0)),
      ),
    });
    const stranger = new Uint8Array(20).fill(9);
    const garbage = { validator: V4, content: Uint8Array.of(1, 2, 3) };
    const unknown = saying(V4, new Uint8Array(32));
    const block = await chain.block({
      said: [
        saying(V1, first.id, second.id),
        saying(V2, first.id),
        saying(stranger, first.id),
        garbage,
        unknown,
      ],
    });
    assert.equal(eventValues(block, 'SourceAttested').length, 2);
    assert.equal(isOpen(chain.ledger, first.id), false);
    const opened = await chain.block({ said: [saying(V1, first.id), saying(V3, first.id)] });
    assert.equal(eventValues(opened, 'SourceAttested').length, 1, 'what is in the state is not said again');
    assert.equal(isOpen(chain.ledger, first.id), true);
    assert.deepEqual(capableVerifiers(chain.ledger, second.id), []);
  });

  test('that is retired waits for its last job, then for its time, and is gone', async () => {
    const chain = chainOfFour();
    const { bytes, id } = sampleSource(2, { isChain: true });
    await chain.run(registerSource(ALICE, bytes));
    await chain.run(attest(V1, id), attest(V2, id), attest(V3, id));
    onLedger(chain, ({ state }) => {
      countJobOpened(state, id);
    });
    await chain.run(ofSource(ALICE, 'retire', id));
    assert.deepEqual(readSource(chain.ledger, id).release, []);
    await chain.block({ afterMs: 600_000 });
    onLedger(chain, (scope) => {
      countJobClosed(scope, id);
    });
    await chain.block();
    await chain.block();
    const gone = await chain.block({ afterMs: 600_000 });
    assert.equal(eventValues(gone, 'SourceRemoved').length, 1);
    assert.equal(readSourceGraph(chain.ledger, id), undefined);
  });
});
