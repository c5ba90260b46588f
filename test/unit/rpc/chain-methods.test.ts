import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TOTAL_SUPPLY_WEI, WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { toChecksumAddress } from '../../../protocol/address.js';
import { fromHex, toHex, type Hex } from '../../../protocol/bytes.js';
import { PRESETS } from '../../../protocol/presets.js';
import { RpcChain, until } from '../../support/rpc-chain.js';
import { richOf, signedBy, stakingCallOf } from '../../support/rpc-wallet.js';

interface Page<Row> {
  readonly next: string | null;
  readonly delegations: readonly Row[];
  readonly validators: readonly Row[];
}

describe('oGPU’s own methods', () => {
  let chain: RpcChain;
  const owners = (): Uint8Array[] => chain.members.map(({ owner }) => owner);

  before(async () => {
    chain = await RpcChain.start({ validators: 3, isAutomatic: false, hasFaucet: true });
    const [first, second, third] = owners();
    assert.ok(first && second && third);
    const calls = [
      stakingCallOf('delegate', [first], 100n * WEI_PER_OGPU),
      stakingCallOf('delegate', [second], 50n * WEI_PER_OGPU),
      stakingCallOf('delegate', [third], 25n * WEI_PER_OGPU),
      stakingCallOf('undelegate', [first, 10n * WEI_PER_OGPU]),
    ];
    for (const [nonce, call] of calls.entries())
      await chain.ask('eth_sendRawTransaction', [signedBy(richOf(chain, 0), nonce, call)]);
    await chain.ask('eth_sendRawTransaction', [signedBy(richOf(chain, 1), 0, calls[0])]);
    await chain.mine();
    await chain.mine();
  });
  after(() => chain.close());

  test('the status shows both finalities, and where the node is', async () => {
    chain.status = {
      syncing: { startingHeight: 1, highestHeight: 10 },
      peers: [{ id: 'peer', address: '/ip4/127.0.0.1/tcp/1', direction: 'outbound', height: 7 }],
      validator: owners()[0],
    };
    const status = await chain.ask<Record<string, never>>('ogpu_status');
    const head = await chain.ask<{ hash: Hex; stateRoot: Hex }>('eth_getBlockByNumber', ['latest', false]);
    assert.deepEqual(
      [status['block']?.['height'], status['block']?.['id'], status['block']?.['stateRoot']],
      [2, head.hash, head.stateRoot],
    );
    assert.deepEqual(status['jobs'], { supported: false });
    assert.deepEqual(status['validators']?.['active'], 3);
    assert.equal((await chain.ask<unknown[]>('ogpu_peers')).length, 1);
    assert.equal(await chain.ask('net_peerCount'), '0x1');
    assert.deepEqual(await chain.ask('eth_syncing'), {
      startingBlock: '0x1',
      currentBlock: '0x2',
      highestBlock: '0xa',
    });
    chain.status = { syncing: undefined, peers: [], validator: undefined };
    assert.equal(await chain.ask('eth_syncing'), false);
  });

  test('validators page by page are all validators, and each is what its own method says', async () => {
    const all: { id: Hex; stakeWei: string }[] = [];
    let cursor: string | null | undefined;
    do {
      const page: Page<{ id: Hex; stakeWei: string }> = await chain.ask('ogpu_validators', [
        { limit: 2, ...(cursor === undefined ? {} : { cursor }) },
      ]);
      all.push(...page.validators);
      cursor = page.next;
    } while (cursor !== null);
    assert.deepEqual(
      all.map(({ id }) => id),
      owners().map(toChecksumAddress),
    );
    for (const validator of all)
      assert.deepEqual(await chain.ask('ogpu_validator', [validator.id]), validator);
    assert.equal(BigInt(all[0]?.stakeWei ?? 0), 10_190n * WEI_PER_OGPU);
    const before = await chain.ask<{ stakeWei: string }>('ogpu_validator', [all[0]?.id, '0x0']);
    assert.equal(BigInt(before.stakeWei), 10_000n * WEI_PER_OGPU);
    assert.equal((await chain.call('ogpu_validator', [`0x${'12'.repeat(20)}`])).error?.code, -32001);
    assert.equal((await chain.call('ogpu_validators', [{ cursor: '0x00' }])).error?.code, -32602);
  });

  test('delegations by delegator and by validator, unbondings and rewards', async () => {
    const { address } = richOf(chain, 0);
    const mine = await chain.ask<Page<{ validator: Hex; stakeWei: string; rewardsWei: string }>>(
      'ogpu_delegations',
      [{ delegator: address }],
    );
    assert.deepEqual(mine.delegations.map(({ stakeWei }) => BigInt(stakeWei) / WEI_PER_OGPU).toSorted(), [
      25n,
      50n,
      90n,
    ]);
    const [first] = owners();
    assert.ok(first);
    const theirs = await chain.ask<Page<{ delegator: Hex }>>('ogpu_delegations', [
      { validator: toHex(first) },
    ]);
    assert.deepEqual(
      new Set(theirs.delegations.map(({ delegator }) => delegator)),
      new Set([first, fromHex(address), fromHex(richOf(chain, 1).address)].map(toChecksumAddress)),
    );
    const { rewards, totalWei } = await chain.ask<{ rewards: { rewardsWei: string }[]; totalWei: string }>(
      'ogpu_rewards',
      [address],
    );
    const sum = rewards.reduce((total, each) => total + BigInt(each.rewardsWei), 0n);
    assert.equal(sum, BigInt(totalWei));
    assert.ok(sum > 0n);
    const { unbondings } = await chain.ask<{ unbondings: { amountWei: string; number: number }[] }>(
      'ogpu_unbondings',
      [address],
    );
    assert.deepEqual(
      unbondings.map(({ amountWei }) => BigInt(amountWei) / WEI_PER_OGPU),
      [10n],
    );
  });

  test('parameters are those of the genesis', async () => {
    const params = await chain.ask<Record<string, Record<string, unknown>>>('ogpu_params');
    assert.equal(
      params['consensus']?.['blockIntervalMinMs'],
      PRESETS.devnet.params.consensus.blockIntervalMinMs,
    );
    assert.equal(
      params['staking']?.['minSelfStakeWei'],
      PRESETS.devnet.params.staking.minSelfStakeWei.toString(),
    );
  });

  test('all the money is somewhere, to the wei', async () => {
    for (const isCounted of [false, true]) {
      const supply = await chain.ask<Record<string, string | boolean | number>>('ogpu_supply', [isCounted]);
      assert.deepEqual([supply['isCounted'], supply['isConserved']], [isCounted, true]);
      const parts = [
        'accounts',
        'reserve',
        'verifierPool',
        'staked',
        'rewards',
        'unsettledRewards',
        'unbonding',
        'lockup',
        'sourceBond',
      ];
      const total = parts.reduce((sum, part) => sum + BigInt(String(supply[`${part}Wei`])), 0n);
      assert.equal(total, TOTAL_SUPPLY_WEI);
      assert.equal(BigInt(String(supply['unbondingWei'])), 10n * WEI_PER_OGPU);
    }
  });

  test('the mempool in figures', async () => {
    const figures = await chain.ask<Record<string, unknown>>('ogpu_mempool');
    assert.deepEqual([figures['accepted'], figures['included'], figures['count']], [5, 5, 0]);
  });

  test('the faucet gives, one gift after the other, and to each address once', async () => {
    const people = Array.from({ length: 5 }, (_, i) => `0x${(i + 1).toString(16).repeat(40)}`);
    const gifts = await Promise.all(
      people.map((address) => chain.ask<{ transactionHash: Hex }>('ogpu_faucet', [address, '0x64'])),
    );
    assert.equal(new Set(gifts.map(({ transactionHash }) => transactionHash)).size, 5);
    await chain.mine();
    for (const address of people) assert.equal(await chain.ask('eth_getBalance', [address]), '0x64');
    const { error } = await chain.call('ogpu_faucet', [people[0]]);
    assert.equal(error?.code, -32005);
    assert.ok((error.data as { retryAfterMs: number }).retryAfterMs > 0);
  });

  test('a node without faucet says so', async () => {
    const other = await RpcChain.start();
    assert.equal((await other.call('ogpu_faucet', [`0x${'11'.repeat(20)}`])).error?.code, -32004);
    await other.close();
  });
});

describe('sending and waiting (EIP-7966)', () => {
  test('the receipt comes with the block', async () => {
    const chain = await RpcChain.start();
    const envelope = signedBy(richOf(chain, 0), 0);
    const receipt = await chain.ask<{ transactionHash: Hex; status: Hex }>('eth_sendRawTransactionSync', [
      envelope,
    ]);
    assert.equal(receipt.status, '0x1');
    assert.deepEqual(await chain.ask('eth_sendRawTransactionSync', [envelope]), receipt);
    const again = await chain.call('eth_sendRawTransactionSync', [
      signedBy(richOf(chain, 0), 0, { value: 3n }),
    ]);
    assert.equal(again.error?.code, -32003);
    assert.match(again.error.message, /nonce too low/);
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        chain.ask('eth_sendRawTransactionSync', [signedBy(richOf(chain, 1), i), 5_000]),
      ),
    );
    assert.equal(many.length, 20);
    await chain.close();
  });

  test('without a block in time, or with a nonce missing, there is the hash', async () => {
    const chain = await RpcChain.start({ isAutomatic: false });
    const envelope = signedBy(richOf(chain, 0), 0);
    const late = await chain.call('eth_sendRawTransactionSync', [envelope, 30]);
    assert.equal(late.error?.code, 4);
    const pooled = await chain.ask<{ hash: Hex }>('eth_getTransactionByHash', [late.error.data]);
    assert.equal(pooled.hash, late.error.data);
    const waiting = chain.ask<{ status: Hex }>('eth_sendRawTransactionSync', [envelope, '0x1388']);
    const gap = await chain.call('eth_sendRawTransactionSync', [signedBy(richOf(chain, 1), 2)]);
    assert.equal(gap.error?.code, 5);
    assert.match(String(gap.error.data), /^0x[0-9a-f]{64}$/);
    await until(() => chain.pool.stats().count === 2);
    await chain.mine();
    assert.equal((await waiting).status, '0x1');
    await chain.close();
  });
});

describe('refusals are told in the words of go-ethereum, with a typed code', () => {
  test('each', async () => {
    const chain = await RpcChain.start({ isAutomatic: false, pool: { maxSenderCount: 4 } });
    const [alice, bob] = [richOf(chain, 0), richOf(chain, 1)];
    await chain.ask('eth_sendRawTransaction', [signedBy(alice, 0)]);
    await chain.mine();
    await chain.ask('eth_sendRawTransaction', [signedBy(alice, 1)]);
    const cases: [string, RegExp, string][] = [
      [signedBy(alice, 0), /^nonce too low/, 'TX_NONCE_TOO_LOW'],
      [signedBy(alice, 1), /^already known$/, 'MEMPOOL_KNOWN'],
      [
        signedBy(alice, 1, { value: 2n }),
        /^replacement transaction underpriced/,
        'MEMPOOL_REPLACEMENT_UNDERPRICED',
      ],
      [signedBy(alice, 99), /^nonce too high/, 'MEMPOOL_NONCE_TOO_FAR'],
      [
        signedBy(bob, 0, { value: 10n ** 30n }),
        /^insufficient funds for gas \* price \+ value/,
        'TX_INSUFFICIENT_FUNDS',
      ],
      [signedBy(bob, 0, { gasLimit: 20_999n }), /^intrinsic gas too low/, 'TX_GAS_LIMIT_BELOW_INTRINSIC'],
      [signedBy(bob, 0, { gasLimit: 10n ** 10n }), /^exceeds block gas limit/, 'TX_GAS_LIMIT_ABOVE_BLOCK'],
      [signedBy(bob, 0, { maxPriorityFeePerGas: 0n }), /^transaction underpriced/, 'MEMPOOL_UNDERPRICED'],
      [
        signedBy(bob, 0, { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }),
        /^max fee per gas less than block base fee/,
        'TX_FEE_CAP_BELOW_BASE_FEE',
      ],
      [
        signedBy(bob, 0, { chainId: 1n }),
        /^invalid chain id for signer: have 1 want 64782/,
        'TX_CHAIN_ID_WRONG',
      ],
      [
        signedBy(bob, 0, { to: undefined, gasLimit: 100_000n }),
        /^contract creation is not supported/,
        'TX_CREATION_UNSUPPORTED',
      ],
      ['0x', /^invalid transaction/, 'TX_EMPTY'],
      ['0x03', /^transaction type not supported/, 'TX_TYPE_BLOB_UNSUPPORTED'],
      ['0x02c0', /^rlp: /, 'RLP_ITEM_MISSING'],
    ];
    for (const [envelope, text, code] of cases) {
      const { error } = await chain.call('eth_sendRawTransaction', [envelope]);
      assert.equal(error?.code, -32003, code);
      assert.match(error.message, text);
      assert.equal((error.data as { code: string }).code, code);
    }
    await chain.close();
  });
});
