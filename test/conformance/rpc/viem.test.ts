import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  http,
  InsufficientFundsError,
  NonceTooLowError,
  parseEther,
  webSocket,
  type Hex,
  type WebSocketTransport,
  type Log,
  type Block,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { stakingAbi, stakingAddress } from '../../../interfaces/staking.js';
import { RpcChain, until } from '../../support/rpc-chain.js';
import { richOf } from '../../support/rpc-wallet.js';
import { toChecksumAddress } from '../../../protocol/address.js';

const RECIPIENT = `0x${'cd'.repeat(20)}` as const;

describe('viem', () => {
  let chain: RpcChain;
  let validator: Hex;
  const name = { id: 64_782, name: 'test', nativeCurrency: { name: 'OGPU', symbol: 'OGPU', decimals: 18 } };
  const setUp = () => {
    const viemChain = { ...name, rpcUrls: { default: { http: [chain.server.url] } } };
    const transport = http(chain.server.url, { batch: true });
    const reader = createPublicClient({ chain: viemChain, transport, pollingInterval: 20 });
    const account = privateKeyToAccount(richOf(chain, 0).privateKey);
    const wallet = createWalletClient({ chain: viemChain, transport, account });
    return { reader, wallet, account, viemChain };
  };
  let it: ReturnType<typeof setUp>;

  before(async () => {
    chain = await RpcChain.start({ validators: 2 });
    validator = toChecksumAddress(chain.members[0]?.owner ?? new Uint8Array(20)) as Hex;
    it = setUp();
  });
  after(() => chain.close());

  test('transfers of each type', async () => {
    const { reader, wallet } = it;
    const types = [
      { type: 'legacy' },
      { type: 'eip2930', accessList: [{ address: RECIPIENT, storageKeys: [] }] },
      { type: 'eip1559' },
    ] as const;
    for (const each of types) {
      const before = await reader.getBalance({ address: RECIPIENT });
      const hash = await wallet.sendTransaction({ to: RECIPIENT, value: parseEther('1.5'), ...each });
      const receipt = await reader.waitForTransactionReceipt({ hash });
      assert.equal(receipt.status, 'success');
      assert.equal(receipt.type, each.type);
      const transaction = await reader.getTransaction({ hash });
      assert.equal(transaction.value, parseEther('1.5'));
      assert.equal(receipt.effectiveGasPrice, transaction.gasPrice);
      assert.equal(await reader.getBalance({ address: RECIPIENT }), before + parseEther('1.5'));
      assert.equal(await reader.getTransactionConfirmations({ hash }), 1n);
    }
  });

  test('the staking module as a contract: simulate, write, read, events', async () => {
    const { reader, wallet, account } = it;
    const call = { address: stakingAddress, abi: stakingAbi } as const;
    const { request } = await reader.simulateContract({
      ...call,
      functionName: 'delegate',
      args: [validator],
      value: 1_000n,
      account,
    });
    const receipt = await reader.waitForTransactionReceipt({ hash: await wallet.writeContract(request) });
    const [stakeWei] = await reader.readContract({
      ...call,
      functionName: 'delegation',
      args: [validator, account.address],
    });
    assert.equal(stakeWei, 1_000n);
    const events = await reader.getContractEvents({
      ...call,
      eventName: 'Delegated',
      args: { delegator: account.address },
      fromBlock: 0n,
    });
    assert.deepEqual(
      events.map(({ args, transactionHash }) => [args.amountWei, transactionHash]),
      [[1_000n, receipt.transactionHash]],
    );
    const past = await reader.readContract({
      ...call,
      functionName: 'delegation',
      args: [validator, account.address],
      blockNumber: receipt.blockNumber - 1n,
    });
    assert.equal(past[0], 0n);
  });

  test('reverts are decoded', async () => {
    const { reader, account } = it;
    const error = await reader
      .simulateContract({
        address: stakingAddress,
        abi: stakingAbi,
        functionName: 'undelegate',
        args: [validator, 10n ** 30n],
        account,
      })
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof BaseError);
    const reverted = error.walk((each) => each instanceof ContractFunctionRevertedError);
    assert.ok(reverted instanceof ContractFunctionRevertedError);
    assert.equal(reverted.data?.errorName, 'InsufficientStake');
    assert.deepEqual(reverted.data.args, [10n ** 30n, 1_000n]);
  });

  test('errors have their classes', async () => {
    const { wallet } = it;
    const thrownBy = async (request: object): Promise<unknown> => {
      const error = await wallet
        .sendTransaction({ to: RECIPIENT, ...request } as never)
        .catch((thrown: unknown) => thrown);
      assert.ok(error instanceof BaseError);
      return error.walk((each) => each instanceof NonceTooLowError || each instanceof InsufficientFundsError);
    };
    assert.ok((await thrownBy({ nonce: 0, gas: 21_000n })) instanceof NonceTooLowError);
    assert.ok((await thrownBy({ value: parseEther('9000000') })) instanceof InsufficientFundsError);
    assert.ok(
      (await thrownBy({ value: parseEther('9000000'), gas: 21_000n })) instanceof InsufficientFundsError,
    );
  });

  test('fees and the rest', async () => {
    const { reader } = it;
    const fees = await reader.estimateFeesPerGas();
    const block = await reader.getBlock();
    assert.ok(fees.maxFeePerGas > (block.baseFeePerGas ?? 0n));
    assert.ok((await reader.getGasPrice()) > 0n);
    const history = await reader.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] });
    assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1);
    assert.equal(await reader.estimateGas({ account: RECIPIENT, to: RECIPIENT }), 21_000n);
    assert.equal(await reader.getChainId(), 64_782);
    for (const blockTag of ['latest', 'safe', 'finalized'] as const)
      assert.equal((await reader.getBlock({ blockTag })).hash, block.hash);
    assert.notEqual(await reader.getCode({ address: stakingAddress }), undefined);
    assert.equal(await reader.getCode({ address: RECIPIENT }), undefined);
    const receipts = await reader.request({
      method: 'eth_getBlockReceipts' as never,
      params: [block.hash] as never,
    });
    assert.ok(Array.isArray(receipts));
  });

  test('send and wait in one call', async () => {
    const { wallet, account, viemChain } = it;
    const request = await wallet.prepareTransactionRequest({
      to: RECIPIENT,
      value: 1n,
      account,
      chain: viemChain,
    });
    const serializedTransaction = await account.signTransaction(request as never);
    const receipt = await wallet.sendRawTransactionSync({ serializedTransaction });
    assert.equal(receipt.status, 'success');
  });

  test('watching blocks, events and transactions, by socket and by polling', async () => {
    const { viemChain, wallet, account } = it;
    const socket = webSocket(chain.server.url.replace('http', 'ws'), { reconnect: false });
    const uninstalls = { asked: 0, open: 0 };
    const counted = http(undefined, {
      onFetchRequest: (_request, { body }) => {
        if (typeof body === 'string' && body.includes('eth_uninstallFilter')) uninstalls.asked++;
        uninstalls.open++;
      },
      onFetchResponse: () => {
        uninstalls.open--;
      },
    });
    const clients = [
      createPublicClient({ chain: viemChain, transport: socket }),
      createPublicClient({ chain: viemChain, transport: counted, pollingInterval: 20 }),
    ];
    const blocks: Block[][] = [[], []];
    const logs: Log[][] = [[], []];
    const pending: Hex[][] = [[], []];
    const ends = clients.flatMap((client, index) => [
      client.watchBlocks({ onBlock: (block) => blocks[index]?.push(block) }),
      client.watchContractEvent({
        address: stakingAddress,
        abi: stakingAbi,
        eventName: 'Delegated',
        onLogs: (some) => logs[index]?.push(...some),
      }),
      client.watchPendingTransactions({ onTransactions: (hashes) => pending[index]?.push(...hashes) }),
    ]);
    // Watchers begin when they have been answered.
    await until(async () => {
      await wallet.writeContract({
        address: stakingAddress,
        abi: stakingAbi,
        functionName: 'delegate',
        args: [validator],
        value: 7n,
      });
      await chain.mine();
      return [blocks, logs, pending].every((lists) => lists.every((list) => list.length >= 2));
    });
    for (const end of ends) end();
    // viem polls for ever where its last word about a filter finds no server any more.
    await until(() => Promise.resolve(uninstalls.asked >= 2 && uninstalls.open === 0));
    for (const list of logs)
      assert.equal((list[0] as { args?: { delegator: Hex } }).args?.delegator, account.address);
    const rpcClient = await (
      clients[0]?.transport as unknown as ReturnType<WebSocketTransport>['value'] & object
    ).getRpcClient();
    rpcClient.close();
  });
});
