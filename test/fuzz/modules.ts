import assert from 'node:assert/strict';
import { decodeAbi } from '../../protocol/abi/decode.js';
import { encodeCall } from '../../protocol/abi/items.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import type { Log } from '../../protocol/types/receipt.js';
import { receiptCodec } from '../../protocol/types/receipt.js';
import type { Module } from '../../state/modules/module.js';
import { Overlay } from '../../state/store/overlay.js';
import { executeTransaction } from '../../state/transition/execute-transaction.js';
import { randomValues } from '../support/abi-samples.js';
import { blockContext, TestLedger, transferFrom } from '../support/ledger.js';
import { TESTED_MODULES } from '../support/modules.js';
import type { Prng } from '../support/prng.js';
import { mutate, type FuzzTarget } from './target.js';

const MODULE_TABLE = new Map(TESTED_MODULES.map((module) => [toHex(module.address), module]));
const SENDER = new Uint8Array(20).fill(0xa1);

/** Calls anybody may send: they succeed or revert with an error the module declares, and money stays what it was. */
export const moduleTargets: readonly FuzzTarget[] = TESTED_MODULES.map((module) => ({
  name: `module/${module.name}`,
  attack: (prng) => {
    const ledger = new TestLedger();
    ledger.setAccount(SENDER, { balanceWei: 1_000n * WEI_PER_OGPU });
    const before = ledger.totalWei();
    const state = new Overlay(ledger, { maxBytes: 1 << 24 });
    const transaction = transferFrom(SENDER, {
      to: module.address,
      data: hostileCalldata(prng, module),
      gasLimit: 60_000_000n,
      value: prng.pick([0n, 0n, 1n, prng.bigint(60)]),
    });
    const outcome = executeTransaction(state, transaction, blockContext(ledger), MODULE_TABLE, 0);
    ledger.apply(state.changes());
    assert.equal(ledger.totalWei() + outcome.baseWei + outcome.tipWei, before);
    receiptCodec.decode(receiptCodec.encode(outcome.receipt));
    for (const log of outcome.receipt.logs) assertDeclaredLog(module, log);
    if (outcome.receipt.status === 0) assertDeclaredError(module, outcome.output);
  },
}));

function hostileCalldata(prng: Prng, module: Module): Uint8Array {
  const called = prng.pick([...module.dispatcher.values()]);
  const calldata = encodeCall(called, randomValues(prng, called.inputs));
  switch (prng.below(8)) {
    case 0:
      return prng.bytes(prng.below(200));
    case 1:
      return Uint8Array.of(...called.selector, ...prng.bytes(32 * prng.below(20)));
    case 2:
    case 3:
      return calldata;
    case 4:
      // The selector stays whole.
      return Uint8Array.of(...called.selector, ...mutate(prng, calldata.subarray(4)));
    default:
      return mutate(prng, calldata);
  }
}

function assertDeclaredError(module: Module, output: Uint8Array): void {
  const error = module.errors.find(({ selector }) => bytesEqual(selector, output.subarray(0, 4)));
  assert.ok(error !== undefined, `undeclared error ${toHex(output.subarray(0, 4))}`);
  decodeAbi(error.inputs, output.subarray(4));
}

function assertDeclaredLog(module: Module, log: Log): void {
  const [first = new Uint8Array(0)] = log.topics;
  const event = module.events.find(({ topic }) => bytesEqual(topic, first));
  assert.ok(event !== undefined, `undeclared event ${toHex(first)}`);
  decodeAbi(
    event.inputs.filter((_, i) => event.item.inputs[i]?.indexed !== true),
    log.data,
  );
}
