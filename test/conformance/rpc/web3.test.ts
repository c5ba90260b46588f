import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Web3, type AbiItem } from 'web3';
import { stakingAbi, stakingAddress } from '../../../interfaces/staking.js';
import { toChecksumAddress } from '../../../protocol/address.js';
import { RpcChain } from '../../support/rpc-chain.js';
import { richOf } from '../../support/rpc-wallet.js';

const RECIPIENT = `0x${'cd'.repeat(20)}`;

describe('web3.js', () => {
  let chain: RpcChain;
  let web3: Web3;
  let from: string;
  let validator: string;

  before(async () => {
    chain = await RpcChain.start({ validators: 2 });
    web3 = new Web3(chain.server.url);
    web3.eth.transactionPollingInterval = 20;
    from = web3.eth.accounts.wallet.add(richOf(chain, 0).privateKey)[0]?.address ?? '';
    validator = toChecksumAddress(chain.members[0]?.owner ?? new Uint8Array(20));
  });
  after(() => chain.close());

  test('transfers of each type', async () => {
    for (const type of [0, 1, 2]) {
      const before = await web3.eth.getBalance(RECIPIENT);
      const receipt = await web3.eth.sendTransaction({
        from,
        to: RECIPIENT,
        value: '1000',
        gas: 21_000,
        type,
      });
      assert.equal(receipt.status, 1n);
      assert.equal(receipt.type, BigInt(type));
      assert.equal(await web3.eth.getBalance(RECIPIENT), before + 1_000n);
      const transaction = await web3.eth.getTransaction(receipt.transactionHash);
      assert.equal(transaction.blockNumber, receipt.blockNumber);
    }
  });

  test('the staking module as a contract: write, read, events, reverts', async () => {
    const staking = new web3.eth.Contract(stakingAbi as unknown as AbiItem[], stakingAddress);
    const methods = staking.methods as unknown as Record<
      string,
      (...args: unknown[]) => {
        send(o: object): Promise<unknown>;
        call(o?: object): Promise<unknown>;
        estimateGas(o: object): Promise<bigint>;
      }
    >;
    const delegate = methods['delegate']?.(validator);
    const gas = await delegate?.estimateGas({ from, value: '1000' });
    await delegate?.send({ from, value: '1000', gas: String(gas) });
    const read = (await methods['delegation']?.(validator, from).call()) as { stakeWei: bigint };
    assert.equal(read.stakeWei, 1_000n);
    const events = await staking.getPastEvents('Delegated' as never, { fromBlock: 0 });
    assert.equal(events.length, 1);
    const error: unknown = await methods['undelegate']?.(validator, 10n ** 30n)
      .call({ from })
      .catch((thrown: unknown) => thrown);
    assert.equal((error as { cause: { errorName: string } }).cause.errorName, 'InsufficientStake');
  });

  test('blocks, fees, nonces', async () => {
    const block = await web3.eth.getBlock('latest', true);
    assert.equal(block.number, await web3.eth.getBlockNumber());
    assert.ok((await web3.eth.getGasPrice()) > 0n);
    assert.equal(await web3.eth.getChainId(), 64_782n);
    assert.equal(await web3.eth.net.getId(), 64_782n);
    assert.ok((await web3.eth.getNodeInfo()).startsWith('ogpu/'));
    assert.equal(await web3.eth.isSyncing(), false);
    const history = await web3.eth.getFeeHistory(4, 'latest', [25, 75]);
    assert.ok(history.baseFeePerGas.length > 1);
    assert.equal(
      await web3.eth.getTransactionCount(from),
      await web3.eth.getTransactionCount(from, 'pending'),
    );
    const fault: unknown = await web3.eth
      .sendTransaction({ from, to: RECIPIENT, value: '1', nonce: 0, gas: 21_000 })
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    assert.match(String((fault as { cause?: Error }).cause?.message ?? fault), /nonce too low/);
  });

  test('subscriptions', async () => {
    const socket = new Web3(chain.server.url.replace('http', 'ws'));
    const heads = await socket.eth.subscribe('newBlockHeaders');
    const head = new Promise<{ number?: unknown }>((resolve) => heads.once('data', resolve));
    await chain.mine();
    assert.equal(Number((await head).number), chain.height);
    await heads.unsubscribe();
    socket.provider?.disconnect();
  });
});
