import '../../../node/polyfills.js';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { stakingAbi, stakingAddress } from '../../../interfaces/staking.js';
import { toChecksumAddress } from '../../../protocol/address.js';
import { CHROMIUM_MISSING, runPage } from '../../support/chromium.js';
import { RpcChain } from '../../support/rpc-chain.js';
import { richOf } from '../../support/rpc-wallet.js';

/** The page: a wallet as extensions inject it, and an application that knows nothing but the wallet. */
const PAGE = `<!doctype html><script type="module">
import { BrowserProvider, Contract, JsonRpcProvider, Wallet, parseEther } from '/ethers.js';
const { key, abi, address, validator, metadata } = await (await fetch('/settings')).json();
const report = (value) => fetch('/result', { method: 'POST', body: JSON.stringify(value) });

const networks = new Map();
let node;
const ethereum = {
  async request({ method, params = [] }) {
    switch (method) {
      case 'wallet_addEthereumChain': {
        const [{ chainId, rpcUrls }] = params;
        const candidate = new JsonRpcProvider(rpcUrls[0], undefined, { cacheTimeout: -1 });
        if (await candidate.send('eth_chainId', []) !== chainId) throw Object.assign(new Error('another chain'), { code: -32602 });
        networks.set(chainId, candidate);
        return null;
      }
      case 'wallet_switchEthereumChain':
        node = networks.get(params[0].chainId);
        if (node === undefined) throw Object.assign(new Error('unrecognized chain'), { code: 4902 });
        return null;
      case 'eth_requestAccounts':
      case 'eth_accounts':
        return [new Wallet(key).address];
      case 'eth_sendTransaction': {
        const { from, gas, ...rest } = params[0];
        const sent = await new Wallet(key, node).sendTransaction({ ...rest, ...(gas ? { gasLimit: gas } : {}) });
        return sent.hash;
      }
      default:
        return node.send(method, params);
    }
  },
};

try {
  const missing = await ethereum.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: metadata.chainId }] }).catch(({ code }) => code);
  await ethereum.request({ method: 'wallet_addEthereumChain', params: [metadata] });
  await ethereum.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: metadata.chainId }] });
  const provider = new BrowserProvider(ethereum, undefined, { cacheTimeout: -1 });
  provider.pollingInterval = 50;
  const signer = await provider.getSigner();
  const transfer = await (await signer.sendTransaction({ to: '0x' + '11'.repeat(20), value: parseEther('2') })).wait();
  const staking = new Contract(address, abi, signer);
  const delegated = await (await staking.delegate(validator, { value: 7n })).wait();
  const [stake] = await staking.delegation(validator, await signer.getAddress());
  const refused = await staking.undelegate.staticCall(validator, 10n ** 30n).catch((error) => error.revert?.name);
  const socket = new WebSocket(metadata.rpcUrls[0].replace('http', 'ws'));
  await new Promise((resolve) => (socket.onopen = resolve));
  const answered = new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(JSON.parse(data).result)));
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId' }));
  await report({
    missing,
    transfer: transfer.status,
    balance: String(await provider.getBalance('0x' + '11'.repeat(20))),
    delegated: delegated.logs.some(({ eventName }) => eventName === 'Delegated'),
    stake: String(stake),
    refused,
    socket: await answered,
  });
} catch (error) {
  await report({ error: String(error && error.stack || error) });
}
</script>`;

describe('a page in Chromium', { skip: CHROMIUM_MISSING }, () => {
  test('adds the chain to its wallet, sends, calls the staking module and listens', async () => {
    const chain = await RpcChain.start({ validators: 2 });
    const ethers = join(
      dirname(createRequire(import.meta.url).resolve('ethers')),
      '..',
      'dist',
      'ethers.min.js',
    );
    const settings = {
      key: richOf(chain, 0).privateKey,
      ...{ abi: stakingAbi, address: stakingAddress },
      validator: toChecksumAddress(chain.members[0]?.owner ?? new Uint8Array(20)),
      metadata: {
        chainId: '0xfd0e',
        chainName: 'test',
        nativeCurrency: { name: 'OGPU', symbol: 'OGPU', decimals: 18 },
        rpcUrls: [chain.server.url],
      },
    };
    try {
      const reported = await runPage({
        '/': ['text/html', PAGE],
        '/ethers.js': ['text/javascript', await readFile(ethers, 'utf8')],
        '/settings': ['application/json', JSON.stringify(settings)],
      });
      assert.deepEqual(reported, {
        missing: 4902,
        transfer: 1,
        balance: '2000000000000000000',
        delegated: true,
        stake: '7',
        refused: 'InsufficientStake',
        socket: '0xfd0e',
      });
    } finally {
      await chain.close();
    }
  });
});
