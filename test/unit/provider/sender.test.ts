import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { z } from 'zod';
import { ClientError } from '../../../node/client/errors.js';
import { RpcClient } from '../../../node/client/rpc-client.js';
import { Sender } from '../../../node/client/sender.js';
import { jobsIntent, type Intent } from '../../../node/client/transact.js';
import { feeCapPerGas } from '../../../protocol/transactions/types.js';
import { walletOf } from '../../support/provider-market.js';
import { RpcChain, until } from '../../support/rpc-chain.js';

const GWEI = 10n ** 9n;

/** A node whose answers a test changes on their way. */
class Tampered extends RpcClient {
  readonly calls: string[] = [];
  /** Undefined: as the node answers. */
  answer: (method: string, ask: () => Promise<unknown>) => Promise<unknown> | undefined = () => undefined;

  override async call<Result>(
    method: string,
    params: readonly unknown[],
    schema: z.ZodType<Result>,
  ): Promise<Result> {
    this.calls.push(method);
    const ask = (): Promise<Result> => super.call(method, params, schema);
    const changed = this.answer(method, ask);
    return changed === undefined ? ask() : ((await changed) as Result);
  }
}

const transfer: Intent = { to: new Uint8Array(20).fill(0xaa), valueWei: 1n, data: new Uint8Array(0) };
/** Of a job that nobody has posted: the ledger refuses it. */
const refused = jobsIntent('release', [new Uint8Array(32)]);

describe('transactions of one account', () => {
  let chain: RpcChain;
  let rpc: Tampered;
  before(async () => {
    chain = await RpcChain.start({ isAutomatic: false });
  });
  after(() => chain.close());
  const sender = (index: number, options: { stallMs?: number; waitMs?: number } = {}): Sender => {
    rpc = new Tampered(chain.server.url);
    return new Sender(rpc, walletOf(chain, index), { waitMs: 10_000, pollMs: 2, ...options });
  };
  const sentCount = (): number => rpc.calls.filter((method) => method === 'eth_sendRawTransaction').length;
  /** Resolves when so many transactions of an account wait for a block. */
  const pooled = (index: number, count: number): Promise<void> =>
    until(
      () => chain.pool.contentOf(walletOf(chain, index).address).pending.length === count,
      `${count} transactions wait`,
    );
  const nonceOf = (index: number): Promise<string> =>
    chain.ask('eth_getTransactionCount', [chain.rich[index]?.address, 'latest']);

  test('sent at the same time have their nonces in order, and one that is refused takes none', async () => {
    const own = sender(0);
    const bad = own.send(refused);
    const refusal = assert.rejects(bad, { code: 'CALL_REVERTED' });
    const all = [own.send(transfer), refusal, own.send(transfer), own.send(transfer)];
    await pooled(0, 3);
    await refusal;
    await chain.mine();
    await Promise.all(all);
    assert.equal(await nonceOf(0), '0x3');
  });

  test('one that the node has lost is sent again, before the next one takes its nonce', async () => {
    const own = sender(1);
    let lost = 0;
    rpc.answer = (method) =>
      method === 'eth_sendRawTransaction' && lost++ === 0 ? Promise.resolve('0x') : undefined;
    const first = own.send(transfer);
    await until(() => lost > 0, 'it is lost');
    const second = own.send(transfer);
    await pooled(1, 2);
    await chain.mine();
    const [a, b] = await Promise.all([first, second]);
    assert.equal(a.height, b.height);
    assert.equal(await nonceOf(1), '0x2');
  });

  test('one that is too cheap is replaced by itself with a higher fee', async () => {
    const own = sender(2, { stallMs: 20 });
    let looks = 0;
    rpc.answer = (method, ask) => {
      if (method === 'eth_getBlockByNumber' && looks++ === 0)
        return Promise.resolve({ baseFeePerGas: GWEI / 5n });
      if (method === 'eth_maxPriorityFeePerGas') return Promise.resolve(1n);
      return method === 'eth_estimateGas' ? Promise.resolve(21_000n) : ask();
    };
    const sent = own.send(transfer);
    const fee = (): bigint => {
      const [waiting] = chain.pool.contentOf(walletOf(chain, 2).address).pending;
      return waiting === undefined ? 0n : feeCapPerGas(waiting.transaction);
    };
    await until(() => fee() > GWEI / 2n, 'it is there with another fee');
    await chain.mine();
    assert.ok((await sent).feeWei > 0n);
    assert.equal(await nonceOf(2), '0x1');
  });

  test('a node that is away for a moment is asked again', async () => {
    const own = sender(3);
    let away = 0;
    rpc.answer = (method) =>
      method === 'eth_getTransactionReceipt' && away++ < 3
        ? Promise.reject(new ClientError('RPC_UNREACHABLE', 'no node answers'))
        : undefined;
    const sent = own.send(transfer);
    await pooled(3, 1);
    await chain.mine();
    await sent;
    assert.ok(away > 3);
  });

  test('another one with the same nonce, and the end of patience, are told', async () => {
    const own = sender(4, { stallMs: 20 });
    rpc.answer = (method) => (method === 'eth_sendRawTransaction' ? Promise.resolve('0x') : undefined);
    const replaced = assert.rejects(own.send(transfer), { code: 'TRANSACTION_REPLACED' });
    await until(() => sentCount() > 0, 'it is sent, and lost');
    const other = new Sender(new RpcClient(chain.server.url), walletOf(chain, 4), {
      ...{ waitMs: 10_000, pollMs: 2 },
    });
    const foreign = other.send({ ...transfer, valueWei: 2n });
    await pooled(4, 1);
    await chain.mine();
    await Promise.all([foreign, replaced]);

    const hasty = sender(5, { waitMs: 30 });
    await assert.rejects(hasty.send(transfer), { code: 'TRANSACTION_PENDING' });
    await chain.mine();
  });

  test('one that is undone in its block says why', async () => {
    const own = sender(6);
    rpc.answer = (method) => (method === 'eth_estimateGas' ? Promise.resolve(1_000_000n) : undefined);
    const undone = assert.rejects(own.send(refused), (error: unknown) => {
      assert.ok(error instanceof ClientError);
      assert.deepEqual([error.code, error.data['error']], ['TRANSACTION_FAILED', 'UnknownJob']);
      return true;
    });
    await pooled(6, 1);
    await chain.mine();
    await undone;
  });
});
