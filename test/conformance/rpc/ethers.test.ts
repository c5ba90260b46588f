import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  Contract,
  isCallException,
  isError,
  JsonRpcProvider,
  parseEther,
  Wallet,
  WebSocketProvider,
  type EventLog,
} from 'ethers';
import { stakingAbi, stakingAddress } from '../../../interfaces/staking.js';
import { toChecksumAddress } from '../../../protocol/address.js';
import { RpcChain, until } from '../../support/rpc-chain.js';
import { richOf } from '../../support/rpc-wallet.js';

const RECIPIENT = `0x${'cd'.repeat(20)}`;

/** The staking module, as ethers sees a contract. */
type Staking = Contract & Record<string, (...args: unknown[]) => Promise<never>>;

describe('ethers', () => {
  let chain: RpcChain;
  let provider: JsonRpcProvider;
  let wallet: Wallet;
  let staking: Staking;
  let validator: string;

  before(async () => {
    chain = await RpcChain.start({ validators: 2 });
    provider = new JsonRpcProvider(chain.server.url, undefined, { polling: true, cacheTimeout: -1 });
    provider.pollingInterval = 20;
    wallet = new Wallet(richOf(chain, 0).privateKey, provider);
    staking = new Contract(stakingAddress, stakingAbi, wallet) as Staking;
    validator = toChecksumAddress(chain.members[0]?.owner ?? new Uint8Array(20));
  });
  after(async () => {
    provider.destroy();
    await chain.close();
  });

  test('transfers of each type', async () => {
    for (const type of [0, 1, 2]) {
      const before = await provider.getBalance(RECIPIENT);
      const sent = await wallet.sendTransaction({ to: RECIPIENT, value: parseEther('1.5'), type });
      const receipt = await sent.wait();
      assert.deepEqual([receipt?.status, receipt?.type], [1, type]);
      assert.equal(await provider.getBalance(RECIPIENT), before + parseEther('1.5'));
      const mined = await provider.getTransaction(sent.hash);
      assert.equal(mined?.blockNumber, receipt?.blockNumber);
      assert.deepEqual(mined?.signature, sent.signature);
    }
  });

  test('blocks, with transactions whole and not', async () => {
    const block = await provider.getBlock('latest', true);
    assert.ok(block);
    assert.equal(block.prefetchedTransactions.length, block.transactions.length);
    for (const tag of ['finalized', 'safe', 'pending'])
      assert.equal((await provider.getBlock(tag))?.hash, block.hash);
    assert.equal((await provider.getBlock(0))?.number, 0);
    assert.equal(await provider.getBlock(9_999), null);
  });

  test('the staking module as a contract: write, read, events', async () => {
    const sent = (await staking['delegate']?.(validator, { value: 1_000n })) as unknown as {
      wait(): Promise<{ logs: EventLog[] }>;
    };
    const { logs } = await sent.wait();
    assert.ok(logs.some((log) => log.eventName === 'Delegated'));
    const [stakeWei] = (await staking['delegation']?.(validator, wallet.address)) as unknown as [bigint];
    assert.equal(stakeWei, 1_000n);
    const found = await staking.queryFilter('Delegated', 0);
    assert.deepEqual(
      found.map((log) => (log as EventLog).args['amountWei'] as unknown),
      [1_000n],
    );
    const everything = await provider.getLogs({ fromBlock: 0, toBlock: 'latest' });
    assert.ok(everything.length > found.length, 'logs of system phases are read too');
  });

  test('reverts are decoded, and errors have their codes', async () => {
    const undelegate = staking.getFunction('undelegate');
    const error: unknown = await undelegate
      .staticCall(validator, 10n ** 30n)
      .catch((thrown: unknown) => thrown);
    assert.ok(isCallException(error));
    assert.equal(error.revert?.name, 'InsufficientStake');
    assert.deepEqual(Array.from<unknown>(error.revert.args), [10n ** 30n, 1_000n]);
    const unsent: unknown = await undelegate(validator, 10n ** 30n).catch((thrown: unknown) => thrown);
    assert.ok(isCallException(unsent));
    assert.equal(staking.interface.parseError(unsent.data ?? '0x')?.name, 'InsufficientStake');
    const thrownBy = (request: object): Promise<unknown> =>
      wallet.sendTransaction({ to: RECIPIENT, ...request }).catch((thrown: unknown) => thrown);
    assert.ok(isError(await thrownBy({ nonce: 0 }), 'NONCE_EXPIRED'));
    assert.ok(isError(await thrownBy({ value: parseEther('9000000') }), 'INSUFFICIENT_FUNDS'));
    assert.ok(
      isError(await thrownBy({ value: parseEther('9000000'), gasLimit: 21_000 }), 'INSUFFICIENT_FUNDS'),
    );
    const quiet = await RpcChain.start({ isAutomatic: false });
    const other = new JsonRpcProvider(quiet.server.url);
    const sender = new Wallet(richOf(quiet, 0).privateKey, other);
    const fees = {
      to: RECIPIENT,
      nonce: 0,
      gasLimit: 21_000,
      maxFeePerGas: 2n * 10n ** 9n,
      maxPriorityFeePerGas: 10n ** 9n,
    };
    await sender.sendTransaction({ ...fees, value: 1n });
    const replaced: unknown = await sender
      .sendTransaction({ ...fees, value: 2n })
      .catch((thrown: unknown) => thrown);
    assert.ok(isError(replaced, 'REPLACEMENT_UNDERPRICED'));
    other.destroy();
    await quiet.close();
  });

  test('fee data', async () => {
    const { gasPrice, maxFeePerGas, maxPriorityFeePerGas } = await provider.getFeeData();
    assert.ok((gasPrice ?? 0n) > 0n && (maxFeePerGas ?? 0n) > 0n && (maxPriorityFeePerGas ?? 0n) > 0n);
  });

  test('watching by polling and by socket', async () => {
    const socket = new WebSocketProvider(chain.server.url.replace('http', 'ws'));
    const seen = { polled: 0, pushed: 0, logs: 0, pending: 0 };
    await provider.on('block', () => seen.polled++);
    await socket.on('block', () => seen.pushed++);
    await socket.on({ address: stakingAddress }, () => seen.logs++);
    await socket.on('pending', () => seen.pending++);
    let value = 5n;
    await until(async () => {
      const sent = (await staking['delegate']?.(validator, { value: value++ })) as unknown as {
        wait(): Promise<unknown>;
      };
      await sent.wait();
      return Object.values(seen).every((count) => count >= 2);
    });
    await provider.removeAllListeners();
    await socket.destroy();
  });
});
