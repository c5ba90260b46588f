import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { signPayment } from '../../support/payments.js';
import { simulatedChain } from '../../sim/consensus/chain.js';
import { readAccount } from '../../../state/accounts/account.js';
import { HOSTILE_ACTS } from '../../support/hostile-acts.js';
import type { Condition } from '../../support/hostile-target.js';
import { eventually, type Target } from '../../support/p2p.js';
import { startValidator, type SocketValidator } from '../../support/socket-validators.js';

/** What a node may hold in the end that it did not hold in the beginning. */
const MAX_GROWTH_BYTES = 96 * 1024 * 1024;

/** One validator, besieged by one hostile peer after the other; an honest node pays through it all the time. */
test(
  'a besieged validator goes on making blocks, blames who attacks, and keeps its memory',
  { timeout: 240_000 },
  async (context) => {
    const chain = await simulatedChain(1, true);
    const child = fork(fileURLToPath(new URL('../../support/hostile-target.js', import.meta.url)), {
      execArgv: ['--expose-gc'],
    });
    const address = (await answerOf(child)) as string;
    const { chainId, genesisId } = chain.genesis;
    const target: Target = {
      address,
      hello: { chainId, genesisId, protocolVersion: 1, headHeight: 0, binding: [] },
    };
    const honest = await startValidator(chain, 1, { gossip: {} });
    await honest.node.network.dial(address);
    await eventually(() => honest.node.network.gossipStats?.transactions.subscribers === 1);
    await pay(honest);
    const before = await conditionOf(child);
    for (const [i, act] of HOSTILE_ACTS.entries()) {
      await context.test(act.name, async () => {
        const peer = await act.perform(target, 100 + i);
        await pay(honest);
        const { blamed, failures } = await conditionOf(child);
        assert.equal(failures, 0);
        const honestId = honest.node.network.id;
        assert.ok(!blamed.some((fault) => fault.startsWith(honestId)), 'the honest node is not blamed');
        if (act.blamed === undefined) return;
        assert.ok(blamed.includes(`${peer ?? ''} ${act.blamed}`), `among ${[...new Set(blamed)].join(', ')}`);
      });
    }
    const after = await conditionOf(child);
    const grown = after.heapBytes - before.heapBytes;
    context.diagnostic(
      `heap ${mib(before.heapBytes)} → ${mib(after.heapBytes)}, RSS ${mib(before.rssBytes)} → ${mib(after.rssBytes)}`,
    );
    assert.ok(grown < MAX_GROWTH_BYTES, `the heap has grown by ${mib(grown)}`);
    assert.ok(after.height > before.height);
    assert.equal(child.exitCode, null);
    await honest.stop();
    child.disconnect();
  },
);

/** A payment over gossip, in a block of the besieged validator, back to who pays. */
async function pay({ store, node, transactions }: SocketValidator): Promise<void> {
  const [payer] = (await simulatedChain(1, true)).validators;
  assert.ok(payer);
  const { nonce } = readAccount(store, payer.id);
  const envelope = signPayment(store, payer.ownerSecretKey, { to: new Uint8Array(20).fill(7), valueWei: 1n });
  assert.ok(await transactions.add(envelope));
  node.network.publishTransactions([envelope]);
  await eventually(() => readAccount(store, payer.id).nonce > nonce);
}

function conditionOf(child: ChildProcess): Promise<Condition> {
  const answer = answerOf(child) as Promise<Condition>;
  child.send('how are you?');
  return answer;
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const died = (): void => {
      reject(new Error('the besieged node has died'));
    };
    child.once('exit', died);
    child.once('message', (message) => {
      child.off('exit', died);
      resolve(message);
    });
  });
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
