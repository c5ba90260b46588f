import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  createPublicClient,
  createWalletClient,
  http,
  parseEther,
  type Hash,
  type Hex,
  type TransactionReceipt,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { modules, moduleRevertOf, nodeErrorOf, ogpuActions, ogpuChain } from '../../../client/index.js';
import { toHex } from '../../../protocol/bytes.js';
import { sampleSource } from '../../support/market.js';
import { RpcChain } from '../../support/rpc-chain.js';
import { richOf } from '../../support/rpc-wallet.js';

const GPUS = [{ vendor: 'amd', model: 'mi300x', vramMiB: 196_608, count: 8 }] as const;

describe('providers and sources, by a wallet over JSON-RPC', () => {
  let chain: RpcChain;
  const settings = (): { chain: ReturnType<typeof ogpuChain>; transport: ReturnType<typeof http> } => ({
    chain: ogpuChain('devnet', chain.server.url),
    transport: http(),
  });
  const walletOf = (secretKey: Hex) =>
    createWalletClient({ ...settings(), account: privateKeyToAccount(secretKey) });
  const clientOf = () => createPublicClient({ ...settings(), pollingInterval: 20 }).extend(ogpuActions);
  const done = async (sent: Promise<Hash>): Promise<TransactionReceipt> => {
    const receipt = await clientOf().waitForTransactionReceipt({ hash: await sent });
    assert.equal(receipt.status, 'success');
    return receipt;
  };

  before(async () => {
    chain = await RpcChain.start({ validators: 2 });
  });
  after(() => chain.close());

  test('a provider registers, is shown, and one that stands for it is found', async () => {
    const client = clientOf();
    const [master, operator] = [0, 1].map((index) => walletOf(richOf(chain, index).privateKey));
    assert.ok(master && operator);
    const terms = ['farm', GPUS, [operator.account.address]] as const;
    const register = { ...modules.providers, functionName: 'register', args: terms } as const;
    await done(master.writeContract({ ...register, value: parseEther('5') }));
    const again: unknown = await master
      .writeContract({ ...register, value: parseEther('5') })
      .catch((error: unknown) => error);
    assert.deepEqual(moduleRevertOf(again), { name: 'AlreadyRegistered', args: [master.account.address] });
    await done(
      operator.writeContract({
        ...modules.providers,
        functionName: 'accept',
        args: [master.account.address],
      }),
    );
    const withdraw = { ...modules.providers, functionName: 'withdraw', args: [parseEther('1')] } as const;
    await done(master.writeContract(withdraw));
    const provider = await client.getProvider(operator.account.address);
    assert.equal(provider.id, master.account.address);
    assert.deepEqual([provider.addresses, provider.invited], [[operator.account.address], []]);
    assert.deepEqual(provider.gpus, GPUS);
    assert.deepEqual(
      [provider.lockup.totalWei, provider.lockup.unbondingWei, provider.lockup.freeWei],
      [5, 1, 4].map((ogpu) => parseEther(ogpu.toString()).toString()),
    );
    assert.equal(provider.mayClaim, true);
    assert.deepEqual((await client.getProviders()).providers, [provider]);
    const unknown: unknown = await client.getProvider(modules.fees.address).catch((error: unknown) => error);
    assert.equal(nodeErrorOf(unknown)?.code, 'RPC_PROVIDER_UNKNOWN');
  });

  test('a program registers, validators attest it, and its graph is read back', async () => {
    const client = clientOf();
    const owner = walletOf(richOf(chain, 2).privateKey);
    const { bytes, id, graph } = sampleSource(3);
    const [source, encoded] = [toHex(id), toHex(bytes)];
    const bondWei = await client.readContract({
      ...modules.sources,
      functionName: 'bondOf',
      args: [bytes.length],
    });
    const register = { ...modules.sources, functionName: 'register', args: [encoded] } as const;
    await done(owner.writeContract({ ...register, value: bondWei }));
    for (const { ownerSecretKey } of chain.members) {
      const validator = walletOf(toHex(ownerSecretKey));
      await done(owner.sendTransaction({ to: validator.account.address, value: parseEther('1') }));
      const args = [source, validator.account.address, 1] as const;
      await done(validator.writeContract({ ...modules.sources, functionName: 'attest', args }));
    }
    const shown = await client.getSource(source);
    assert.deepEqual([shown.status, shown.takesJobs, shown.kind, shown.nodes], ['open', true, 'batch', 2]);
    assert.equal(shown.weightsHash, toHex(graph.weightsHash));
    assert.equal(shown.attestations.length, 2);
    const { attestations, ...listed } = shown;
    assert.equal(attestations[0]?.verdict, 'canRun');
    assert.deepEqual((await client.getSources()).sources, [listed]);
    assert.deepEqual(await client.getSourceGraph(source), { id: source, graph: encoded });
    const unknown: unknown = await client.getSourceGraph(`0x${'0'.repeat(64)}`).catch((e: unknown) => e);
    assert.equal(nodeErrorOf(unknown)?.code, 'RPC_SOURCE_UNKNOWN');
    const supply = await client.getSupply(true);
    assert.deepEqual([supply.isConserved, supply.sourceBondWei], [true, bondWei.toString()]);
  });
});
