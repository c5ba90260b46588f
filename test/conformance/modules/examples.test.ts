import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BrowserProvider, Contract, isCallException } from 'ethers';
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  custom,
  encodeFunctionData,
  parseEventLogs,
  type Log,
} from 'viem';
import { encodeEvent } from '../../../protocol/abi/items.js';
import { toHex } from '../../../protocol/bytes.js';
import { sampleAbi, sampleAddress } from '../../support/interfaces/sample.js';
import { moduleProvider } from '../../support/module-provider.js';
import { SAMPLE_MODULE } from '../../support/sample-module.js';

/** docs/modules.md shows pieces of this file; docs.test.ts keeps them equal. */
const provider = moduleProvider([SAMPLE_MODULE]);
const receiver = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

describe('viem', () => {
  const client = createPublicClient({ transport: custom(provider) });

  test('reads, and knows the types', async () => {
    const totalWei = await client.readContract({
      address: sampleAddress,
      abi: sampleAbi,
      functionName: 'total',
    });
    const typed: bigint = totalWei;
    assert.equal(typed, 0n);
    const latest = await client.readContract({
      address: sampleAddress,
      abi: sampleAbi,
      functionName: 'latest',
    });
    const bias: number = latest.weight.bias;
    assert.deepEqual([latest.text, bias], ['first', -1]);
    // @ts-expect-error viem refuses a function that is not in the ABI when it compiles.
    assert.throws(() => encodeFunctionData({ abi: sampleAbi, functionName: 'totl' }));
  });

  test('names the error and its values', async () => {
    try {
      await client.simulateContract({
        address: sampleAddress,
        abi: sampleAbi,
        functionName: 'withdraw',
        args: [receiver, 10n],
      });
      assert.fail('nothing is deposited');
    } catch (error) {
      const reverted =
        error instanceof BaseError && error.walk((e) => e instanceof ContractFunctionRevertedError);
      if (!(reverted instanceof ContractFunctionRevertedError)) throw error;
      assert.equal(reverted.data?.errorName, 'InsufficientDeposit');
      assert.deepEqual(reverted.data.args, [10n, 0n]);
    }
  });

  test('reads logs', () => {
    const [event] = SAMPLE_MODULE.events;
    assert.ok(event !== undefined);
    const log = encodeEvent(event, [SAMPLE_MODULE.address, 'hello', 7n]);
    const topics = log.topics.map(toHex);
    const logs = [{ address: sampleAddress, topics, data: toHex(log.data) }] as unknown as Log[];
    const [deposited] = parseEventLogs({ abi: sampleAbi, logs, eventName: 'Deposited' });
    assert.equal(deposited?.args.amountWei, 7n);
  });
});

describe('ethers', () => {
  const browser = new BrowserProvider(provider);
  const sample = new Contract(sampleAddress, sampleAbi, browser);

  test('reads', async () => {
    const totalWei = (await sample.getFunction('total').staticCall()) as bigint;
    assert.equal(totalWei, 0n);
  });

  test('names the error and its values', async () => {
    try {
      await sample.getFunction('withdraw').staticCall(receiver, 10n);
      assert.fail('nothing is deposited');
    } catch (error) {
      if (!isCallException(error)) throw error;
      assert.equal(error.revert?.name, 'InsufficientDeposit');
      assert.deepEqual(Array.from<unknown>(error.revert.args), [10n, 0n]);
    }
  });

  test('names the errors that every module has', async () => {
    const data = `${sample.interface.encodeFunctionData('deposit', ['hello'])}00`;
    const failing: [object, string][] = [
      [{ to: sampleAddress, data: '0x01020304' }, 'UnknownFunction'],
      [{ to: sampleAddress, data }, 'InvalidCalldata'],
      [{ to: sampleAddress, data: sample.interface.encodeFunctionData('total'), value: 1n }, 'NotPayable'],
    ];
    for (const [request, name] of failing) {
      await assert.rejects(browser.call(request), (error) => {
        assert.ok(isCallException(error) && error.data !== null);
        return sample.interface.parseError(error.data)?.name === name;
      });
    }
    browser.destroy();
  });
});
