import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { keccak256, toHex as viemHex, encodeEventTopics } from 'viem';
import { stakingAbi, stakingAddress } from '../../../interfaces/staking.js';
import { fromHex, toHex, type Hex } from '../../../protocol/bytes.js';
import { RpcChain } from '../../support/rpc-chain.js';
import { callData, richOf, signedBy, stakingCallOf } from '../../support/rpc-wallet.js';

interface LogJson {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly blockNumber: Hex;
  readonly blockHash: Hex;
  readonly transactionHash: Hex;
  readonly transactionIndex: Hex;
  readonly logIndex: Hex;
}

interface ReceiptJson {
  readonly status: Hex;
  readonly gasUsed: Hex;
  readonly blockNumber: Hex;
  readonly blockHash: Hex;
  readonly transactionIndex: Hex;
  readonly logs: readonly LogJson[];
}

const ANYBODY = `0x${'aa'.repeat(20)}`;
const STAKING = stakingAddress.toLowerCase();
const [DELEGATED] = encodeEventTopics({ abi: stakingAbi, eventName: 'Delegated' });

/** A block of each: three transfers and a delegation; nothing; two delegations; a call that reverts. */
describe('Ethereum’s methods on a chain of a few blocks', () => {
  let chain: RpcChain;
  let validator: Uint8Array;
  const sent: Hex[] = [];

  const send = async (envelope: Hex): Promise<Hex> => {
    const hash = await chain.ask<Hex>('eth_sendRawTransaction', [envelope]);
    sent.push(hash);
    return hash;
  };

  before(async () => {
    chain = await RpcChain.start({ validators: 2, isAutomatic: false });
    validator = chain.members[0]?.owner ?? new Uint8Array(20);
    const [alice, bob, carol] = [richOf(chain, 0), richOf(chain, 1), richOf(chain, 2)];
    await send(signedBy(alice, 0));
    await send(signedBy(alice, 1, { type: 'legacy', gasPrice: 3n * 10n ** 9n } as never));
    await send(signedBy(alice, 2, { type: 'eip2930', gasPrice: 3n * 10n ** 9n, accessList: [] } as never));
    await send(signedBy(bob, 0, stakingCallOf('delegate', [validator], 5n)));
    await chain.mine();
    await chain.mine();
    await send(signedBy(bob, 1, stakingCallOf('delegate', [validator], 6n)));
    await send(signedBy(carol, 0, stakingCallOf('delegate', [validator], 7n)));
    await chain.mine();
    await send(signedBy(carol, 1, stakingCallOf('undelegate', [validator, 10n ** 30n])));
    await chain.mine();
  });
  after(() => chain.close());

  const logs = (filter: object): Promise<LogJson[]> => chain.ask<LogJson[]>('eth_getLogs', [filter]);

  test('a block by number, tag and hash is one block; there is no block above the head', async () => {
    const byNumber = await chain.ask<{ hash: Hex; number: Hex; transactions: Hex[] }>(
      'eth_getBlockByNumber',
      ['0x1', false],
    );
    assert.deepEqual(byNumber.transactions.toSorted(), sent.slice(0, 4).toSorted());
    assert.deepEqual(await chain.ask('eth_getBlockByHash', [byNumber.hash, false]), byNumber);
    const head = await chain.ask('eth_getBlockByNumber', ['0x4', true]);
    for (const tag of ['latest', 'safe', 'finalized', 'pending'])
      assert.deepEqual(await chain.ask('eth_getBlockByNumber', [tag, true]), head);
    assert.equal(await chain.ask('eth_getBlockByNumber', ['0x5', false]), null);
    assert.equal(await chain.ask('eth_getBlockByHash', [`0x${'11'.repeat(32)}`, false]), null);
    const genesis = await chain.ask<{ hash: Hex }>('eth_getBlockByNumber', ['earliest', false]);
    assert.deepEqual(await chain.ask('eth_getBlockByHash', [genesis.hash, false]), genesis);
    assert.equal(await chain.ask('eth_getBlockTransactionCountByNumber', ['0x1']), '0x4');
    assert.equal(await chain.ask('eth_getBlockTransactionCountByHash', [byNumber.hash]), '0x4');
  });

  test('transactions and receipts are found by hash and by place, and agree', async () => {
    for (const hash of sent) {
      const transaction = await chain.ask<Record<string, Hex>>('eth_getTransactionByHash', [hash]);
      const receipt = await chain.ask<ReceiptJson>('eth_getTransactionReceipt', [hash]);
      assert.equal(transaction['hash'], hash);
      assert.equal(transaction['blockHash'], receipt.blockHash);
      const place = [receipt.blockNumber, receipt.transactionIndex];
      assert.deepEqual(await chain.ask('eth_getTransactionByBlockNumberAndIndex', place), transaction);
      assert.deepEqual(
        await chain.ask('eth_getTransactionByBlockHashAndIndex', [
          receipt.blockHash,
          receipt.transactionIndex,
        ]),
        transaction,
      );
      const receipts = await chain.ask<ReceiptJson[]>('eth_getBlockReceipts', [receipt.blockHash]);
      assert.deepEqual(receipts[Number(receipt.transactionIndex)], receipt);
      const raw = await chain.ask<Hex>('eth_getRawTransactionByHash', [hash]);
      assert.equal(keccak256(raw), hash);
    }
    assert.equal(await chain.ask('eth_getTransactionByHash', [`0x${'22'.repeat(32)}`]), null);
    assert.equal(await chain.ask('eth_getTransactionReceipt', [`0x${'22'.repeat(32)}`]), null);
    const last = await chain.ask<ReceiptJson>('eth_getTransactionReceipt', [sent.at(-1)]);
    assert.equal(last.status, '0x0');
  });

  test('a transaction that waits is there without a block', async () => {
    const hash = await chain.ask<Hex>('eth_sendRawTransaction', [signedBy(richOf(chain, 3), 0)]);
    const waiting = await chain.ask<Record<string, unknown>>('eth_getTransactionByHash', [hash]);
    assert.deepEqual(
      [waiting['blockHash'], waiting['blockNumber'], waiting['transactionIndex']],
      [null, null, null],
    );
    assert.equal(await chain.ask('eth_getTransactionReceipt', [hash]), null);
    const { address } = richOf(chain, 3);
    assert.equal(await chain.ask('eth_getTransactionCount', [address, 'pending']), '0x1');
    assert.equal(await chain.ask('eth_getTransactionCount', [address, 'latest']), '0x0');
    const content = await chain.ask<{ pending: Record<string, Record<string, { hash: Hex }>> }>(
      'txpool_content',
    );
    assert.deepEqual(
      Object.values(content.pending).map((byNonce) => byNonce['0']?.hash),
      [hash],
    );
    const from = await chain.ask<{ pending: Record<string, { hash: Hex }> }>('txpool_contentFrom', [address]);
    assert.equal(from.pending['0']?.hash, hash);
    assert.deepEqual(await chain.ask('txpool_status'), { pending: '0x1', queued: '0x0' });
  });

  test('logs of receipts are those of eth_getLogs, with the same numbers', async () => {
    const found = await logs({ fromBlock: '0x1', toBlock: 'latest', address: STAKING, topics: [DELEGATED] });
    const receipts = await Promise.all(
      sent.map((hash) => chain.ask<ReceiptJson>('eth_getTransactionReceipt', [hash])),
    );
    const expected = receipts
      .flatMap((receipt) => receipt.logs)
      .filter(({ topics }) => topics[0] === DELEGATED);
    assert.equal(found.length, 3);
    const key = ({ blockNumber, logIndex }: LogJson): string => `${blockNumber} ${logIndex}`;
    assert.deepEqual(
      found.toSorted((a, b) => key(a).localeCompare(key(b))),
      expected.toSorted((a, b) => key(a).localeCompare(key(b))),
    );
  });

  test('every way of asking for logs finds what looking at every log finds', async () => {
    const all = await logs({ fromBlock: 'earliest', toBlock: 'latest' });
    assert.ok(all.length > 5);
    const topics = [...new Set(all.flatMap((log) => log.topics))];
    const padded = (address: Uint8Array | string): Hex =>
      viemHex(BigInt(typeof address === 'string' ? address : toHex(address)), { size: 32 });
    const filters: { address?: string | string[]; topics?: (null | string | string[])[] }[] = [
      {},
      { address: STAKING },
      { address: [STAKING, ANYBODY] },
      { address: ANYBODY },
      { address: [] },
      { topics: [DELEGATED] },
      { topics: [null, padded(validator)] },
      { topics: [[DELEGATED, topics[0] ?? '']] },
      { topics: [null, null, padded(richOf(chain, 1).address)] },
      { topics: [DELEGATED, padded(validator), padded(richOf(chain, 2).address)] },
      { topics: [null, null, null, null] },
      { address: STAKING, topics: [topics] },
      ...topics.map((topic) => ({ topics: [topic] })),
    ];
    for (const filter of filters) {
      for (const [fromBlock, toBlock] of [
        ['0x0', '0x4'],
        ['0x1', '0x1'],
        ['0x2', '0x3'],
        ['0x4', '0x99'],
      ]) {
        const expected = all.filter(
          (log) =>
            Number(log.blockNumber) >= Number(fromBlock) &&
            Number(log.blockNumber) <= Number(toBlock) &&
            isWanted(log, filter),
        );
        const found = await logs({ ...filter, fromBlock, toBlock });
        assert.deepEqual(found, expected, JSON.stringify({ ...filter, fromBlock, toBlock }));
      }
    }
  });

  test('logs of system phases carry the hash of their block, and are numbered with the others', async () => {
    const all = await logs({ fromBlock: '0x1', toBlock: 'latest' });
    for (const number of ['0x1', '0x2', '0x3', '0x4']) {
      const some = all.filter(({ blockNumber }) => blockNumber === number);
      assert.deepEqual(
        some.map(({ logIndex }) => Number(logIndex)),
        some.map((_, index) => index),
      );
      const places = some.map(({ transactionIndex }) => Number(transactionIndex));
      assert.deepEqual(
        places,
        places.toSorted((a, b) => a - b),
      );
    }
    const system = all.filter(({ transactionHash, blockHash }) => transactionHash === blockHash);
    assert.ok(system.length > 0);
    assert.ok(system.every(({ transactionHash }) => !sent.includes(transactionHash)));
  });

  test('one block by its hash', async () => {
    const { hash } = await chain.ask<{ hash: Hex }>('eth_getBlockByNumber', ['0x3', false]);
    assert.deepEqual(await logs({ blockHash: hash }), await logs({ fromBlock: '0x3', toBlock: '0x3' }));
    const both = await chain.call('eth_getLogs', [{ blockHash: hash, fromBlock: '0x1' }]);
    assert.equal(both.error?.code, -32602);
    assert.equal(
      (await chain.call('eth_getLogs', [{ blockHash: `0x${'33'.repeat(32)}` }])).error?.code,
      -32001,
    );
    assert.equal(
      (await chain.call('eth_getLogs', [{ fromBlock: '0x3', toBlock: '0x2' }])).error?.code,
      -32602,
    );
    assert.deepEqual(await logs({ fromBlock: '0x10', toBlock: '0x20' }), []);
  });

  test('state of every height, by number and by hash', async () => {
    const { address } = richOf(chain, 0);
    const nonces = ['0x0', '0x3', '0x3', '0x3', '0x3'];
    for (const [height, nonce] of nonces.entries()) {
      const block = await chain.ask<{ hash: Hex }>('eth_getBlockByNumber', [viemHex(height), false]);
      for (const reference of [
        viemHex(height),
        block.hash,
        { blockHash: block.hash },
        { blockNumber: viemHex(height) },
      ])
        assert.equal(await chain.ask('eth_getTransactionCount', [address, reference]), nonce);
    }
    assert.equal(BigInt(await chain.ask<Hex>('eth_getBalance', [ANYBODY, '0x0'])), 0n);
    assert.equal(BigInt(await chain.ask<Hex>('eth_getBalance', [ANYBODY])), 3n);
    assert.equal((await chain.call('eth_getBalance', [ANYBODY, '0x99'])).error?.code, -32001);
  });

  test('a call on a past state sees what was there', async () => {
    const bob = fromHex(richOf(chain, 1).address);
    const data = toHex(callData('delegation', [validator, bob]));
    const stakes: bigint[] = [];
    for (let height = 0; height <= 4; height++) {
      const output = await chain.ask<Hex>('eth_call', [{ to: STAKING, data }, viemHex(height)]);
      stakes.push(BigInt(output.slice(0, 66)));
    }
    assert.deepEqual(stakes, [0n, 5n, 5n, 11n, 11n]);
  });

  test('a revert is error 3 with its data, also in an estimate', async () => {
    const call = {
      from: richOf(chain, 0).address,
      to: STAKING,
      data: toHex(callData('undelegate', [validator, 1n])),
    };
    for (const method of ['eth_call', 'eth_estimateGas']) {
      const { error } = await chain.call(method, [call]);
      assert.equal(error?.code, 3);
      assert.equal(error.message, 'execution reverted');
      assert.match(String(error.data), /^0x[0-9a-f]{8}/);
    }
    const { result } = await chain.call('eth_createAccessList', [call]);
    assert.deepEqual(result, { accessList: [], gasUsed: '0x0', error: 'execution reverted' });
  });

  test('an estimate is what is used', async () => {
    const { address } = richOf(chain, 4);
    const data = toHex(callData('delegate', [validator]));
    const call = { from: address, to: STAKING, data, value: '0x64' };
    const gas = await chain.ask<Hex>('eth_estimateGas', [call]);
    const used = async (gasLimit: bigint): Promise<ReceiptJson> => {
      const { nonce } = {
        nonce: Number(await chain.ask<Hex>('eth_getTransactionCount', [address, 'pending'])),
      };
      const envelope = signedBy(richOf(chain, 4), nonce, {
        ...stakingCallOf('delegate', [validator], 100n),
        gasLimit,
      });
      const hash = await chain.ask<Hex>('eth_sendRawTransaction', [envelope]);
      await chain.mine();
      return chain.ask<ReceiptJson>('eth_getTransactionReceipt', [hash]);
    };
    const enough = await used(BigInt(gas));
    assert.deepEqual([enough.status, enough.gasUsed], ['0x1', gas]);
    assert.equal((await used(BigInt(gas) - 1n)).status, '0x0');
    assert.equal(await chain.ask('eth_estimateGas', [{ from: address, to: ANYBODY }]), '0x5208');
  });

  test('calls that cannot be paid, or are too large, say so in words wallets know', async () => {
    const poor = `0x${'bb'.repeat(20)}`;
    const cases: [object, RegExp][] = [
      [{ from: poor, to: ANYBODY, value: '0x1' }, /insufficient funds/],
      [{ from: poor, to: ANYBODY, gasPrice: '0x1' }, /insufficient funds/],
      [{ from: poor, to: ANYBODY, gas: '0x1' }, /intrinsic gas too low/],
      [{ from: poor, to: ANYBODY, gas: '0xffffffffffffffff' }, /exceeds block gas limit/],
      [{ from: poor, data: '0x00' }, /creation is not supported/],
      [{ from: poor, to: ANYBODY, data: '0x00', input: '0x01' }, /not equal/],
      [{ from: poor, to: ANYBODY, gasPrice: '0x1', maxFeePerGas: '0x1' }, /both gasPrice/],
      [{ from: poor, to: ANYBODY, chainId: '0x1' }, /chainId/],
    ];
    for (const [call, text] of cases) {
      const { error } = await chain.call('eth_estimateGas', [call]);
      assert.match(error?.message ?? '', text, JSON.stringify(call));
    }
  });

  test('balances and nonces can be assumed for a call', async () => {
    const poor = `0x${'bb'.repeat(20)}`;
    const call = { from: poor, to: ANYBODY, value: '0x64' };
    assert.match((await chain.call('eth_call', [call])).error?.message ?? '', /insufficient/);
    assert.equal(await chain.ask('eth_call', [call, 'latest', { [poor]: { balance: '0x64' } }]), '0x');
    assert.equal(
      (await chain.call('eth_call', [call, 'latest', { [poor]: { code: '0x00' } }])).error?.code,
      -32602,
    );
    assert.equal(BigInt(await chain.ask<Hex>('eth_getBalance', [poor])), 0n);
  });

  test('modules look like contracts, and nobody else does', async () => {
    assert.notEqual(await chain.ask('eth_getCode', [STAKING]), '0x');
    assert.equal(await chain.ask('eth_getCode', [ANYBODY, 'latest']), '0x');
    assert.equal(await chain.ask('eth_getStorageAt', [STAKING, '0x0', 'latest']), `0x${'00'.repeat(32)}`);
  });

  test('the fee history is that of the headers', async () => {
    const history = await chain.ask<{
      oldestBlock: Hex;
      baseFeePerGas: Hex[];
      reward: Hex[][];
      gasUsedRatio: number[];
    }>('eth_feeHistory', ['0x3', '0x4', [0, 50, 100]]);
    assert.equal(history.oldestBlock, '0x2');
    const fees = await Promise.all(
      ['0x2', '0x3', '0x4', '0x5'].map(async (height) => {
        const block = await chain.ask<{ baseFeePerGas: Hex }>('eth_getBlockByNumber', [height, false]);
        return block.baseFeePerGas;
      }),
    );
    assert.deepEqual(history.baseFeePerGas, fees);
    assert.deepEqual(history.reward[0], ['0x0', '0x0', '0x0']);
    assert.deepEqual(new Set(history.reward[1]), new Set(['0x3b9aca00']));
    assert.equal((await chain.call('eth_feeHistory', ['0x3', 'latest', [50, 10]])).error?.code, -32602);
  });

  test('what cannot be here is refused with what to do instead', async () => {
    for (const [method, cure] of [
      ['eth_sendTransaction', /wallet/],
      ['eth_sign', /wallet/],
      ['eth_getProof', /ogpu_getAccountProof/],
    ] as const) {
      const { error } = await chain.call(method, [1, 2, 3]);
      assert.equal(error?.code, -32004);
      assert.match(error.message, cure);
    }
  });
});

function isWanted(
  log: LogJson,
  { address, topics = [] }: { address?: string | string[]; topics?: (null | string | string[])[] },
): boolean {
  const addresses = address === undefined ? [] : [address].flat();
  if (addresses.length > 0 && !addresses.includes(log.address)) return false;
  if (topics.length > log.topics.length) return false;
  return topics.every((wanted, position) => {
    const choices = wanted === null ? [] : [wanted].flat();
    return choices.length === 0 || choices.includes(log.topics[position] ?? '');
  });
}
