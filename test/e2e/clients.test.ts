import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Contract, JsonRpcProvider, Wallet, type EventLog } from 'ethers';
import {
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  BaseError,
  http,
  webSocket,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { Web3, type AbiItem } from 'web3';
import { ogpuActions, ogpuChain } from '../../client/index.js';
import { stakingAbi, stakingAddress } from '../../interfaces/staking.js';
import type { Hex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { CAST_UNAVAILABLE, castAsync } from '../support/cast.js';
import { startDevnetProcess, type DevnetProcess } from '../support/devnet-process.js';
import type { RichAccount } from '../support/rpc-chain.js';

const VALIDATORS = 4;
const RECIPIENT = `0x${'cd'.repeat(20)}` as const;
const STAKE_WEI = 1_000n;
const DELEGATED = 'Delegated(address indexed,address indexed,uint256,uint256)';

/** The same again with each library, against processes that agree over the network; each has a node and an account of its own. */
describe('clients of a devnet of processes', () => {
  let devnet: DevnetProcess;
  let validator: Hex;
  const urlOf = (index: number): string => `http://127.0.0.1:${devnet.ports[index] ?? 0}`;
  const accountOf = (index: number): RichAccount => {
    const account = devnet.accounts[index];
    invariant(account !== undefined, 'there are so many');
    return account;
  };

  before(async () => {
    devnet = await startDevnetProcess(VALIDATORS);
    const chain = ogpuChain('devnet', urlOf(0));
    const client = createPublicClient({ chain, transport: http() }).extend(ogpuActions);
    const { validators } = await client.getValidators();
    validator = validators[0]?.id as Hex;
  });
  after(() => devnet.close());

  test('viem: a transfer, the staking module, its events, a revert, a head over WebSocket', async () => {
    const chain = ogpuChain('devnet', urlOf(0));
    const account = privateKeyToAccount(accountOf(0).privateKey);
    const reader = createPublicClient({ chain, transport: http(), pollingInterval: 50 });
    const wallet = createWalletClient({ chain, transport: http(), account });
    const before = await reader.getBalance({ address: RECIPIENT });
    const hash = await wallet.sendTransaction({ to: RECIPIENT, value: 7n });
    assert.equal((await reader.waitForTransactionReceipt({ hash })).status, 'success');
    assert.ok((await reader.getBalance({ address: RECIPIENT })) >= before + 7n);
    const staking = { address: stakingAddress, abi: stakingAbi } as const;
    const delegating = await wallet.writeContract({
      ...staking,
      functionName: 'delegate',
      args: [validator],
      value: STAKE_WEI,
    });
    const { blockNumber } = await reader.waitForTransactionReceipt({ hash: delegating });
    const delegation = { functionName: 'delegation', args: [validator, account.address] } as const;
    assert.equal((await reader.readContract({ ...staking, ...delegation }))[0], STAKE_WEI);
    const events = await reader.getContractEvents({
      ...staking,
      eventName: 'Delegated',
      fromBlock: blockNumber,
      toBlock: blockNumber,
    });
    assert.ok(events.some(({ transactionHash }) => transactionHash === delegating));
    const refused = { functionName: 'undelegate', args: [validator, 10n ** 30n] } as const;
    await assert.rejects(reader.simulateContract({ ...staking, ...refused, account }), (error) => {
      assert.ok(error instanceof BaseError);
      const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
      return (reverted as ContractFunctionRevertedError).data?.errorName === 'InsufficientStake';
    });
    const socket = createPublicClient({ chain, transport: webSocket(urlOf(0).replace('http', 'ws')) });
    await new Promise<void>((resolve, reject) => {
      const stop = socket.watchBlockNumber({
        onBlockNumber: () => {
          stop();
          resolve();
        },
        onError: reject,
      });
    });
    (await socket.transport.getRpcClient()).close();
  });

  test('ethers: a transfer, the staking module, its events, a nonce that is spent', async () => {
    const provider = new JsonRpcProvider(urlOf(1), undefined, { polling: true, cacheTimeout: -1 });
    provider.pollingInterval = 50;
    try {
      const wallet = new Wallet(accountOf(1).privateKey, provider);
      const sent = await (await wallet.sendTransaction({ to: RECIPIENT, value: 7n })).wait();
      assert.equal(sent?.status, 1);
      const staking = new Contract(stakingAddress, stakingAbi, wallet);
      const delegation = await staking.getFunction('delegate').send(validator, { value: STAKE_WEI });
      const blockNumber = (await delegation.wait())?.blockNumber;
      const events = (await staking.queryFilter('Delegated', blockNumber, blockNumber)) as EventLog[];
      assert.deepEqual(
        events.map(({ args }) => [args[0], args[1], args[2]] as unknown[]),
        [[validator, wallet.address, STAKE_WEI]],
      );
      await assert.rejects(wallet.sendTransaction({ to: RECIPIENT, value: 1n, nonce: 0 }), {
        code: 'NONCE_EXPIRED',
      });
    } finally {
      provider.destroy();
    }
  });

  test('web3.js: a transfer, the staking module, its events', async () => {
    const web3 = new Web3(urlOf(2));
    web3.eth.transactionPollingInterval = 50;
    const from = web3.eth.accounts.wallet.add(accountOf(2).privateKey)[0]?.address ?? '';
    const sent = await web3.eth.sendTransaction({ from, to: RECIPIENT, value: '7', gas: 21_000 });
    assert.equal(sent.status, 1n);
    const staking = new web3.eth.Contract(stakingAbi as unknown as AbiItem[], stakingAddress);
    const methods = staking.methods as unknown as Record<
      string,
      (...args: unknown[]) => { send(o: object): Promise<{ blockNumber: bigint }>; call(): Promise<unknown> }
    >;
    const done = await methods['delegate']?.(validator).send({ from, value: '1000', gas: '200000' });
    const read = (await methods['delegation']?.(validator, from).call()) as { stakeWei: bigint };
    assert.equal(read.stakeWei, STAKE_WEI);
    const range = { fromBlock: done?.blockNumber, toBlock: done?.blockNumber };
    assert.equal((await staking.getPastEvents('Delegated' as never, range as never)).length, 1);
  });

  test('cast: a transfer, the staking module, its events', { skip: CAST_UNAVAILABLE ?? false }, async () => {
    const { address, privateKey } = accountOf(3);
    const cast = async (...args: string[]): Promise<string> => {
      const { status, stdout, stderr } = await castAsync(args, { ETH_RPC_URL: urlOf(3) });
      assert.equal(status, 0, `cast ${args.join(' ')}: ${stderr}`);
      return stdout;
    };
    const send = async (...args: string[]): Promise<Record<string, string>> =>
      JSON.parse(await cast('send', '--private-key', privateKey, '--json', ...args)) as never;
    assert.equal(await cast('chain-id'), String(devnet.chainId));
    assert.equal((await send('--value', '7', RECIPIENT))['status'], '0x1');
    const delegated = await send(
      ...['--value', String(STAKE_WEI), stakingAddress, 'delegate(address)', validator],
    );
    const block = String(Number(delegated['blockNumber']));
    const range = ['--from-block', block, '--to-block', block, '--address', stakingAddress];
    assert.equal((JSON.parse(await cast('logs', '--json', ...range, DELEGATED)) as unknown[]).length, 1);
    const view = 'delegation(address,address)(uint256,uint256,uint256,uint64)';
    const stake = await cast('call', stakingAddress, view, validator, address);
    assert.equal(stake.split('\n')[0]?.split(' ')[0], String(STAKE_WEI));
  });
});
