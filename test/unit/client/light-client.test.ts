import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LightClient, type LightClientOptions } from '../../../client/index.js';
import { nobleBls } from '../../../protocol/crypto/bls.js';
import { fromHex, toHex, type Hex } from '../../../protocol/bytes.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { headerCodec } from '../../../protocol/types/header.js';
import { receiptCodec } from '../../../protocol/types/receipt.js';
import { validatorSetCodec } from '../../../protocol/types/validators.js';
import { PRESETS } from '../../../protocol/presets.js';
import { RpcChain } from '../../support/rpc-chain.js';
import { richOf, signedBy, stakingCallOf } from '../../support/rpc-wallet.js';

type Answer = Record<string, unknown>;

/** What a node that lies does to its answers. */
type Lie = (method: string, answer: Answer) => Answer;

describe('a light client', () => {
  let chain: RpcChain;
  let transfer: Hex;
  let delegation: Hex;
  let checkpoint: { height: number; id: Hex };

  const clientOf = (
    lie: Lie = (_, answer) => answer,
    options: Partial<LightClientOptions> = {},
  ): LightClient =>
    new LightClient({
      request: async ({ method, params }) => {
        const answer = await chain.ask<Answer | null>(method, params);
        return answer === null ? null : lie(method, structuredClone(answer));
      },
      chainId: PRESETS.devnet.chainId,
      genesisId: toHex(chain.genesis.id),
      start: checkpoint,
      ...options,
    });

  before(async () => {
    chain = await RpcChain.start({ validators: 3, isAutomatic: false });
    const validator = chain.members[0]?.owner ?? new Uint8Array(20);
    await chain.mine();
    await chain.mine();
    transfer = await chain.ask<Hex>('eth_sendRawTransaction', [signedBy(richOf(chain, 0), 0, { value: 5n })]);
    delegation = await chain.ask<Hex>('eth_sendRawTransaction', [
      signedBy(richOf(chain, 1), 0, stakingCallOf('delegate', [validator], 1_000n * WEI_PER_OGPU)),
    ]);
    await chain.mine();
    for (let i = 0; i < 4; i++) await chain.mine();
    const { hash } = await chain.ask<{ hash: Hex }>('eth_getBlockByNumber', ['0x2', false]);
    checkpoint = { height: 2, id: hash };
  });
  after(() => chain.close());

  test('believes a balance, and that an account is not there', async () => {
    const client = clientOf();
    const known = await client.account(`0x${'aa'.repeat(20)}`);
    assert.deepEqual(known, { height: chain.height, balanceWei: 5n, nonce: 0 });
    const nobody = await client.account(`0x${'0b'.repeat(20)}`);
    assert.deepEqual([nobody.balanceWei, nobody.nonce], [0n, 0]);
    await chain.mine();
    assert.equal((await client.account(richOf(chain, 0).address)).nonce, 1);
  });

  test('believes receipts, above and below what it believes', async () => {
    for (const start of [checkpoint, undefined]) {
      const client = clientOf(undefined, start === undefined ? { start: await headCheckpoint() } : {});
      for (const [hash, index] of [
        [transfer, 0],
        [delegation, 1],
      ] as const) {
        const proven = await client.receipt(hash);
        assert.deepEqual([proven?.height, proven?.index, proven?.receipt.status], [3, index, 1]);
      }
      assert.equal(await client.receipt(`0x${'00'.repeat(32)}`), undefined);
    }
  });

  test('begins with the genesis as well, with cryptography in JavaScript alone', async () => {
    const first = await chain.ask<{ validators: Hex; possessions: { blsPublicKey: Hex; proof: Hex }[] }>(
      'ogpu_lightBlock',
      ['0x1'],
    );
    const start = {
      genesisTimeMs: chain.genesis.timeMs,
      validators: validatorSetCodec.decode(fromHex(first.validators)),
      possessions: first.possessions.map(({ blsPublicKey, proof }) => ({
        blsPublicKey: fromHex(blsPublicKey),
        proof: fromHex(proof),
      })),
    };
    const client = clientOf(undefined, { start, bls: nobleBls });
    assert.equal((await client.header(1)).height, 1);
    assert.equal((await client.account(`0x${'aa'.repeat(20)}`)).balanceWei, 5n);
  });

  test('believes no lie', async () => {
    const flip = (hex: unknown, at = 12): string => {
      const text = String(hex);
      return `${text.slice(0, at)}${text[at] === '0' ? '1' : '0'}${text.slice(at + 1)}`;
    };
    const ofAccount =
      (change: (answer: Answer) => Answer): Lie =>
      (method, answer) =>
        method === 'ogpu_getAccountProof' ? change(answer) : answer;
    const ofLightBlock =
      (change: (answer: Answer) => Answer): Lie =>
      (method, answer) =>
        method === 'ogpu_lightBlock' && answer['height'] !== 2 ? change(answer) : answer;
    const lies: [string, Lie][] = [
      ['more money', ofAccount((answer) => ({ ...answer, value: flip(answer['value'], 18) }))],
      ['no money', ofAccount((answer) => ({ ...answer, value: null }))],
      ['another height', ofAccount((answer) => ({ ...answer, height: Number(answer['height']) - 1 }))],
      ['no proof', ofAccount((answer) => ({ ...answer, proof: '0x' }))],
      ['no hex', ofAccount((answer) => ({ ...answer, proof: 7 }))],
      [
        'another state',
        ofLightBlock((answer) => {
          const header = headerCodec.decode(fromHex(String(answer['header'])));
          return {
            ...answer,
            header: toHex(headerCodec.encode({ ...header, stateRoot: new Uint8Array(32) })),
          };
        }),
      ],
      ['another commit', ofLightBlock((answer) => ({ ...answer, commit: flip(answer['commit'], 60) }))],
      ['nothing', ofLightBlock(() => ({}))],
    ];
    for (const [name, lie] of lies)
      await assert.rejects(clientOf(lie).account(`0x${'aa'.repeat(20)}`), /./, name);
    const receiptLies: [string, (answer: Answer) => Answer][] = [
      ['another place', (answer) => ({ ...answer, index: Number(answer['index']) + 1 })],
      ['a negative place', (answer) => ({ ...answer, index: -1 })],
      ['another block', (answer) => ({ ...answer, height: 4 })],
      [
        'a short branch',
        (answer) => ({ ...answer, receiptBranch: (answer['receiptBranch'] as unknown[]).slice(1) }),
      ],
      [
        'success',
        (answer) => {
          const receipt = receiptCodec.decode(fromHex(String(answer['receipt'])));
          return { ...answer, receipt: toHex(receiptCodec.encode({ ...receipt, status: 0 })) };
        },
      ],
    ];
    for (const [name, change] of receiptLies) {
      const lie: Lie = (method, answer) => (method === 'ogpu_getReceiptProof' ? change(answer) : answer);
      await assert.rejects(clientOf(lie).receipt(transfer), /./, name);
    }
    const other = { ...checkpoint, id: `0x${'11'.repeat(32)}` as const };
    await assert.rejects(clientOf(undefined, { start: other }).header(4), { code: 'LIGHT_HEADER_ID' });
  });

  const headCheckpoint = async (): Promise<{ height: number; id: Hex }> => {
    const { hash, number } = await chain.ask<{ hash: Hex; number: Hex }>('eth_getBlockByNumber', [
      'latest',
      false,
    ]);
    return { height: Number(number), id: hash };
  };
});
