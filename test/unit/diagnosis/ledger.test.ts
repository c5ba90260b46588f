import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { doublePrecommit } from '../../support/solo-chain.js';
import { toHex } from '../../../protocol/bytes.js';
import { BitArray } from '../../../protocol/ssz/types.js';
import { recoverSender } from '../../../protocol/transactions/recover.js';
import { addToPool } from '../../../state/accounts/pools.js';
import { BlockReadingError, offenceOf, readBlock } from '../../../state/chain/block-reading.js';
import {
  assertOutcome,
  BlockOutcomeError,
  executeWholeBlock,
  type FieldDifference,
} from '../../../state/chain/ledger.js';
import { readStoredBlock, rewindBefore } from '../../../state/diagnosis/rewind.js';
import { InvariantBroken } from '../../../state/invariants/errors.js';
import { MemoryStore } from '../../../state/store/memory.js';
import { DELEGATION_HEIGHT, growChain, member, RULES, withDelegate } from '../../support/diagnosis.js';

const store = new MemoryStore();
await growChain(store);

describe('a stored block as execution takes it', () => {
  test('senders are recovered; who is not in the commit of the parent is absent', async () => {
    const { state } = await rewindBefore(store, 2);
    const { input, transactionHashes } = readBlock(state, readStoredBlock(store, 2), recoverSender);
    assert.deepEqual(
      input.transactions.map(({ sender }) => toHex(sender)),
      [toHex(member(0).owner)],
    );
    assert.deepEqual(input.absent.map(toHex), [toHex(member(2).owner)]);
    assert.equal(transactionHashes.length, 1);
  });

  test('evidence becomes an offence of its signer at its height', async () => {
    const { state } = await rewindBefore(store, 4);
    const { input } = readBlock(state, readStoredBlock(store, 4), recoverSender);
    assert.deepEqual(input.evidence, [{ validator: member(3).owner, height: 2 }]);
    const identity = { chainId: 1, genesisId: new Uint8Array(32), protocolVersion: 1 };
    const proposal = {
      payload: { height: 9, round: 0, validRound: 0, blockId: new Uint8Array(32) },
      ...{ proposer: member(1).owner, signature: new Uint8Array(96) },
    };
    assert.deepEqual(offenceOf({ selector: 0, value: { first: proposal, second: proposal } }), {
      validator: member(1).owner,
      height: 9,
    });
    assert.equal(offenceOf(doublePrecommit(identity, member(2), 7)).height, 7);
  });

  test('a commit of another set is refused', async () => {
    const { state } = await rewindBefore(store, 3);
    const block = readStoredBlock(store, 3);
    const parentCommit = { ...block.body.parentCommit, signers: BitArray.fromBoolArray([true, true]) };
    assert.throws(
      () => readBlock(state, { ...block, body: { ...block.body, parentCommit } }, recoverSender),
      BlockReadingError,
    );
  });
});

describe('what a header must say', () => {
  test('a header that says what was computed passes; one that does not is refused with every field', async () => {
    const { state } = await rewindBefore(store, 3);
    const block = readStoredBlock(store, 3);
    const { commitments } = executeWholeBlock(state, block, RULES);
    assertOutcome(block.header, commitments);
    const wrong = { ...block.header, gasUsed: 1, baseFeeWei: 2n, stateRoot: new Uint8Array(32) };
    assert.throws(
      () => assertOutcome(wrong, commitments),
      (error) => {
        assert.ok(error instanceof BlockOutcomeError);
        const fields = error.data['fields'] as FieldDifference[];
        assert.deepEqual(
          fields.map(({ field }) => field),
          ['gasUsed', 'baseFeeWei', 'stateRoot'],
        );
        assert.deepEqual(fields[2]?.computed, toHex(commitments.stateRoot));
        assert.equal(fields[0]?.header, '1');
        return true;
      },
    );
  });

  test('each committed field is compared', async () => {
    const { state } = await rewindBefore(store, 3);
    const { commitments } = executeWholeBlock(state, readStoredBlock(store, 3), RULES);
    for (const [field, value] of Object.entries(commitments) as [string, unknown][]) {
      const other =
        value instanceof Uint8Array
          ? value.map((byte) => byte ^ 1)
          : typeof value === 'bigint'
            ? value + 1n
            : Number(value) + 1;
      const header = { ...readStoredBlock(store, 3).header, ...commitments, [field]: other };
      assert.throws(() => assertOutcome(header, commitments), { code: 'BLOCK_OUTCOME_MISMATCH' }, field);
    }
  });
});

test('with invariants checked a block that makes money is refused; without, it is executed', async () => {
  const modules = withDelegate((delegate) => ({
    ...delegate,
    run: (context, values) => {
      addToPool(context.state, 'verifierPool', 1n);
      return delegate.run(context, values);
    },
  }));
  const { state } = await rewindBefore(store, DELEGATION_HEIGHT);
  const block = readStoredBlock(store, DELEGATION_HEIGHT);
  executeWholeBlock(state, block, { ...RULES, modules });
  assert.throws(
    () => executeWholeBlock(state, block, { ...RULES, modules, checkInvariants: true }),
    (error) => error instanceof InvariantBroken && error.code === 'SUPPLY_WRONG',
  );
});
