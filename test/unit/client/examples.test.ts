import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BrowserProvider } from 'ethers';
import { createPublicClient, createWalletClient, custom, http, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import {
  addChainParameters,
  LightClient,
  moduleRevertOf,
  modules,
  ogpuActions,
  ogpuChain,
} from '../../../client/index.js';
import { RpcChain } from '../../support/rpc-chain.js';
import { richOf } from '../../support/rpc-wallet.js';
import { REPOSITORY_ROOT } from '../../support/vectors.js';

/** What a wallet in a browser offers a page (EIP-1193): keys of its own, and whatever it does not know it asks its node. */
function walletOf(chain: RpcChain): {
  request(call: { method: string; params?: unknown }): Promise<unknown>;
} {
  const account = privateKeyToAccount(richOf(chain, 0).privateKey);
  const added = new Map<string, string>();
  return {
    request: async ({ method, params = [] }) => {
      const [first] = params as readonly { chainId: string; rpcUrls: string[] }[];
      switch (method) {
        case 'wallet_addEthereumChain': {
          // As wallets do: the node must be of the chain that it is said to be.
          const url = first?.rpcUrls[0] ?? '';
          assert.equal(await chain.ask('eth_chainId'), first?.chainId);
          added.set(first?.chainId ?? '', url);
          return null;
        }
        case 'wallet_switchEthereumChain':
          assert.ok(added.has(first?.chainId ?? ''), 'the chain was added');
          return null;
        case 'eth_requestAccounts':
        case 'eth_accounts':
          return [account.address];
        case 'eth_sendTransaction': {
          const wallet = createWalletClient({
            account,
            chain: ogpuChain('devnet', chain.server.url),
            transport: http(),
          });
          const { to, value, data, gas } = first as unknown as {
            to: Hex;
            value?: Hex;
            data?: Hex;
            gas?: Hex;
          };
          return wallet.sendTransaction({
            to,
            ...(data === undefined ? {} : { data }),
            ...(gas === undefined ? {} : { gas: BigInt(gas) }),
            value: BigInt(value ?? 0),
          });
        }
        default:
          return chain.ask(method, params);
      }
    },
  };
}

describe('docs/wallets.md', () => {
  let chain: RpcChain;
  before(async () => {
    chain = await RpcChain.start({ validators: 2 });
  });
  after(() => chain.close());

  test('a page adds the chain to a wallet, and sends through it', async () => {
    const ethereum = walletOf(chain);
    await ethereum.request({ method: 'wallet_addEthereumChain', params: [addChainParameters('devnet')] });
    await ethereum.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: '0xfd0e' }] });
    const provider = new BrowserProvider(ethereum, undefined, { polling: true, cacheTimeout: -1 });
    provider.pollingInterval = 20;
    const signer = await provider.getSigner();
    const sent = await signer.sendTransaction({ to: `0x${'11'.repeat(20)}`, value: 5n });
    assert.equal((await sent.wait())?.status, 1);
    const wallet = createWalletClient({
      chain: ogpuChain('devnet', chain.server.url),
      transport: custom(ethereum),
    });
    const [account] = await wallet.requestAddresses();
    assert.ok(account);
    const hash = await wallet.sendTransaction({ account, to: `0x${'11'.repeat(20)}`, value: 6n });
    assert.match(hash, /^0x/);
    provider.destroy();
  });

  test('the client library', async () => {
    const { url } = chain.server;
    const client = createPublicClient({ chain: ogpuChain('devnet', url), transport: http() }).extend(
      ogpuActions,
    );
    const { block } = await client.getStatus();
    const { validators } = await client.getValidators();
    const [epoch] = await client.readContract({ ...modules.staking, functionName: 'epoch' });
    assert.ok(block.height >= 0 && validators.length === 2 && epoch >= 0n);
    const account = privateKeyToAccount(richOf(chain, 1).privateKey);
    const wallet = createWalletClient({ account, chain: client.chain, transport: http() });
    const args = [validators[0]?.id as Hex] as const;
    await wallet.writeContract({ ...modules.staking, functionName: 'delegate', args, value: 3n });
    await chain.mine();
    const error: unknown = await client
      .simulateContract({ ...modules.staking, functionName: 'undelegate', args: [...args, 5n], account })
      .catch((thrown: unknown) => thrown);
    const reverted = moduleRevertOf(error);
    assert.deepEqual(reverted, { name: 'InsufficientStake', args: [5n, 3n] });
  });

  test('a light client', async () => {
    const client = createPublicClient({ transport: http(chain.server.url) }).extend(ogpuActions);
    const account = privateKeyToAccount(richOf(chain, 2).privateKey);
    const { address } = account;
    const settings = { chain: ogpuChain('devnet', chain.server.url), transport: http() };
    const transactionHash = await createWalletClient({ ...settings, account }).sendTransaction({
      to: `0x${'22'.repeat(20)}`,
      value: 1n,
    });
    await chain.mine();
    const { chainId, genesisId: genesis, block } = await client.getStatus();
    const [genesisId, height, id] = [genesis as Hex, block.height, block.id as Hex];
    const request = client.request as ConstructorParameters<typeof LightClient>[0]['request'];
    const light = new LightClient({ request, chainId, genesisId, start: { height, id } });
    const { balanceWei, nonce } = await light.account(address);
    const proven = await light.receipt(transactionHash);
    assert.ok(balanceWei > 0n);
    assert.deepEqual([nonce, proven?.receipt.status], [1, 1]);
  });

  test('its examples are those that ran, and its metadata is what the library gives', () => {
    const read = (...path: string[]): string => readFileSync(join(REPOSITORY_ROOT, ...path), 'utf8');
    const text = read('docs', 'wallets.md');
    const bare = (code: string): string => code.replace(/\s/g, '').replace(/,(?=[)\]}])/g, '');
    const ran = bare(read('test', 'unit', 'client', 'examples.test.ts'));
    const blocks = [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = '']) => code);
    assert.ok(blocks.length >= 4);
    for (const code of blocks) assert.ok(ran.includes(bare(code)), code);
    const [metadata] = [...text.matchAll(/^```json\n([^]*?)^```$/gm)].map(([, code = '']) => code);
    assert.deepEqual(JSON.parse(metadata ?? ''), addChainParameters('devnet'));
    for (const name of ['devnet', 'testnet', 'mainnet'] as const) {
      const { chainId } = addChainParameters(name);
      assert.ok(text.includes(`${Number(chainId)} (\`${chainId}\`)`), name);
    }
  });
});
