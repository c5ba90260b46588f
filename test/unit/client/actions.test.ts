import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createPublicClient, createWalletClient, http, parseEther, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import {
  addChainParameters,
  moduleRevertOf,
  modules,
  nodeErrorOf,
  ogpuActions,
  ogpuChain,
} from '../../../client/index.js';
import { toChecksumAddress } from '../../../protocol/address.js';
import { RpcChain } from '../../support/rpc-chain.js';
import { richOf } from '../../support/rpc-wallet.js';

describe('the client library', () => {
  let chain: RpcChain;
  const setUp = () => {
    const settings = { chain: ogpuChain('devnet', chain.server.url), transport: http() };
    const account = privateKeyToAccount(richOf(chain, 0).privateKey);
    return {
      client: createPublicClient({ ...settings, pollingInterval: 20 }).extend(ogpuActions),
      wallet: createWalletClient({ ...settings, account }),
      validator: toChecksumAddress(chain.members[0]?.owner ?? new Uint8Array(20)) as Hex,
      account,
    };
  };
  let it: ReturnType<typeof setUp>;

  before(async () => {
    chain = await RpcChain.start({ validators: 2, hasFaucet: true });
    it = setUp();
  });
  after(() => chain.close());

  test('the package offers it by name', async () => {
    const specifier = '@ogpu/node/client';
    const offered = (await import(specifier)) as Record<string, unknown>;
    assert.equal(typeof offered['LightClient'], 'function');
    assert.equal(offered['ogpuActions'], ogpuActions);
  });

  test('every action answers, typed', async () => {
    const { client, validator, account } = it;
    const hash = await client.askFaucet(`0x${'77'.repeat(20)}`, 100n);
    await client.waitForTransactionReceipt({ hash });
    assert.equal(await client.getBalance({ address: `0x${'77'.repeat(20)}` }), 100n);
    const status = await client.getStatus();
    assert.ok(status.block.height >= 1 && !status.jobs.supported);
    assert.deepEqual(await client.getPeers(), []);
    const { validators } = await client.getValidators({ limit: 1 });
    assert.deepEqual(validators[0], await client.getValidator(validators[0]?.id as Hex));
    assert.equal((await client.getDelegations({ validator })).delegations.length, 1);
    assert.equal((await client.getUnbondings(account.address)).unbondings.length, 0);
    assert.equal((await client.getRewards(account.address)).totalWei, '0');
    assert.equal((await client.getParams()).blocks['gasLimit'], 120_000_000);
    assert.ok((await client.getSupply(true)).isConserved);
    const header = await client.getHeader(1n);
    const commit = await client.getCommit(1n);
    assert.equal(commit.blockId, header.id);
    assert.ok(3 * commit.signedPower > 2 * commit.totalPower);
  });

  test('errors of modules and of the node are decoded from whatever was thrown', async () => {
    const { client, wallet, validator } = it;
    await wallet
      .writeContract({ ...modules.staking, functionName: 'delegate', args: [validator], value: 3n })
      .then((hash) => client.waitForTransactionReceipt({ hash }));
    const thrown: unknown = await wallet
      .writeContract({ ...modules.staking, functionName: 'undelegate', args: [validator, 5n] })
      .catch((error: unknown) => error);
    assert.deepEqual(moduleRevertOf(thrown), { name: 'InsufficientStake', args: [5n, 3n] });
    const raw: unknown = await client
      .call({ to: modules.staking.address, data: '0x12345678' })
      .catch((error: unknown) => error);
    assert.deepEqual(moduleRevertOf(raw), { name: 'UnknownFunction', args: ['0x12345678'] });
    const poor: unknown = await wallet
      .sendTransaction({ to: validator, value: parseEther('9000000'), gas: 21_000n })
      .catch((error: unknown) => error);
    assert.equal(nodeErrorOf(poor)?.code, 'TX_INSUFFICIENT_FUNDS');
    assert.equal(moduleRevertOf(poor), undefined);
    assert.equal(nodeErrorOf(new Error('other')), undefined);
  });

  test('what wallets take to add the chain', () => {
    assert.deepEqual(addChainParameters('mainnet', 'https://rpc.example'), {
      chainId: '0xfd0c',
      chainName: 'oGPU',
      nativeCurrency: { name: 'OGPU', symbol: 'OGPU', decimals: 18 },
      rpcUrls: ['https://rpc.example'],
    });
  });
});
