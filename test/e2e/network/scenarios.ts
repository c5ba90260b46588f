import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { dataFolder } from '../../../node/devnet/layout.js';
import { fromHex } from '../../../protocol/bytes.js';
import { HOSTILE_ACTS } from '../../support/hostile-acts.js';
import { createPrng, type Prng } from '../../support/prng.js';
import { assertNoFatal, assertNoFork } from './checks.js';
import { Cluster } from './cluster.js';
import { call } from './rpc-client.js';
import { SmallDisk } from './small-disk.js';
import { Traffic } from './traffic.js';
import { sleep } from './wait.js';

export interface ScenarioOptions {
  readonly seed: number;
  /** How long trouble lasts. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

/** A story of validators in trouble. Throws where something happened that must not. */
export type Scenario = (options: ScenarioOptions) => Promise<void>;

const START_TIMEOUT_MS = 90_000;
const RECOVERY_TIMEOUT_MS = 90_000;

/** Any node is killed every few seconds while transfers flow. */
const kill: Scenario = (options) =>
  withTraffic(options, async (cluster, prng, untilMs) => {
    for (let kills = 1; performance.now() < untilMs; kills++) {
      const index = prng.below(cluster.size);
      await cluster.signal(index, 'SIGKILL');
      options.say(`kill ${kills}: node ${index} at height ${await cluster.top()}`);
      await sleep(prng.below(3_000));
      cluster.start(index);
      await sleep(1_000 + prng.below(3_000));
    }
  });

/** One node after the other stands still for ten seconds, as under a debugger or a hypervisor that migrates it. */
const pause: Scenario = (options) =>
  withTraffic(options, async (cluster, prng, untilMs) => {
    while (performance.now() < untilMs) {
      const index = prng.below(cluster.size);
      await cluster.signal(index, 'SIGSTOP');
      options.say(`node ${index} stands still`);
      await sleep(10_000);
      await cluster.signal(index, 'SIGCONT');
      await sleep(3_000);
    }
  });

/** The network falls into halves, neither of which can decide; then a minority of one. */
const partition: Scenario = (options) =>
  withTraffic(options, async (cluster, prng, untilMs) => {
    while (performance.now() < untilMs) {
      const alone = prng.below(cluster.size);
      const others = allBut(cluster, [alone]);
      const halves = [cluster.running.slice(0, 2), cluster.running.slice(2)];
      const groups = prng.chance(1, 2) ? halves : [[alone], others];
      const state = prng.chance(1, 2) ? 'silent' : 'refusing';
      cluster.cut(groups, state);
      options.say(`links ${state} between ${groups.map((group) => group.join('+')).join(' and ')}`);
      if (groups === halves) {
        await sleep(2_000);
        const before = await cluster.top();
        await sleep(4_000);
        assert.ok((await cluster.top()) <= before + 1, 'half of the stake decides nothing');
      } else {
        await cluster.reach((await cluster.top()) + 2, others, RECOVERY_TIMEOUT_MS);
      }
      cluster.heal();
      await cluster.reach((await cluster.top()) + 2, cluster.running, RECOVERY_TIMEOUT_MS);
    }
  });

/** A validator whose disk is restored from an old backup must not sign beside what it has signed since. */
const backup: Scenario = (options) =>
  withCluster(options, async (cluster) => {
    await cluster.reach(3, cluster.running, START_TIMEOUT_MS);
    const data = dataFolder(cluster.node(0));
    await cluster.signal(0, 'SIGTERM');
    await cp(data, `${data}.backup`, { recursive: true });
    cluster.start(0);
    await cluster.reach((await cluster.top()) + 5, cluster.running, RECOVERY_TIMEOUT_MS);
    await cluster.signal(0, 'SIGTERM');
    await rm(data, { recursive: true });
    await cp(`${data}.backup`, data, { recursive: true });
    cluster.start(0);
    options.say('node 0 starts from an old backup');
    const ending = await cluster.ending(0, RECOVERY_TIMEOUT_MS);
    assert.equal(ending?.code, 1, 'it ends by itself');
    assert.match(await cluster.logOf(0), /SIGNER_SIGNED_ELSEWHERE/);
    await cluster.reach((await cluster.top()) + 2, allBut(cluster, [0]), RECOVERY_TIMEOUT_MS);
    await assertNoFork(cluster, cluster.running);
  });

/** The disk of a validator fills: it stops before it signs what it cannot write down, and comes back when there is room. */
const disk: Scenario = (options) =>
  withCluster(options, async (cluster) => {
    await cluster.reach(2, cluster.running, START_TIMEOUT_MS);
    await cluster.signal(0, 'SIGTERM');
    const small = await SmallDisk.mount(dataFolder(cluster.node(0)), 64);
    try {
      cluster.start(0);
      await cluster.reach((await cluster.top()) + 1, cluster.running, RECOVERY_TIMEOUT_MS);
      await small.fill();
      options.say('the disk of node 0 is full');
      const traffic = await Traffic.create(cluster, createPrng(options.seed));
      traffic.start(100);
      const ending = await cluster.ending(0, RECOVERY_TIMEOUT_MS);
      await traffic.stop();
      assert.equal(ending?.code, 1, 'it ends by itself');
      assert.match(await cluster.logOf(0), /DISK_FULL|STORE_WRITE_FAILED|ENOSPC/);
      await cluster.reach((await cluster.top()) + 1, allBut(cluster, [0]), RECOVERY_TIMEOUT_MS);
      await small.free();
      cluster.start(0);
      await cluster.reach((await cluster.top()) + 1, allBut(cluster, []), RECOVERY_TIMEOUT_MS);
      await traffic.settle(0, RECOVERY_TIMEOUT_MS);
      await assertNoFork(cluster, cluster.running);
    } finally {
      await cluster.signal(0, 'SIGKILL');
      await small.unmount();
    }
  });

/** A validator whose clock is half a minute ahead decides nothing wrong and stops nobody; with a right clock it takes part again. */
const clock: Scenario = (options) =>
  withCluster(options, async (cluster) => {
    await cluster.reach(2, cluster.running, START_TIMEOUT_MS);
    await cluster.signal(1, 'SIGTERM');
    const wrapper = ['faketime', '-f', '+30s'];
    cluster.start(1, { wrapper, env: { FAKETIME_DONT_FAKE_MONOTONIC: '1' } });
    options.say('the clock of node 1 is 30 s ahead');
    const others = allBut(cluster, [1]);
    const traffic = await Traffic.create(cluster, createPrng(options.seed));
    traffic.start(200);
    await cluster.reach((await cluster.top()) + 5, others, RECOVERY_TIMEOUT_MS);
    await traffic.stop();
    const block = await cluster.rpc(0, 'eth_getBlockByNumber', ['latest', false]);
    const { timestamp } = block as { readonly timestamp: string };
    assert.ok(Number(timestamp) <= Date.now() / 1_000 + 2, 'no block is of the future');
    await cluster.signal(1, 'SIGTERM');
    cluster.start(1);
    await cluster.reach((await cluster.top()) + 2, allBut(cluster, []), RECOVERY_TIMEOUT_MS);
    for (const index of cluster.running) await traffic.settle(index, RECOVERY_TIMEOUT_MS);
    await assertNoFork(cluster, cluster.running);
  });

/** Nodes with empty disks join while transfers flow: one block by block, one with a snapshot of the state. */
const join: Scenario = (options) =>
  withTraffic(
    options,
    async (cluster, _prng, untilMs) => {
      await sleep(Math.max(0, (untilMs - performance.now()) / 2));
      await cluster.reach(2 * SNAPSHOT_INTERVAL_BLOCKS, cluster.running, RECOVERY_TIMEOUT_MS);
      const top = await cluster.top();
      const byBlocks = await cluster.addFollower();
      const bySnapshot = await cluster.addFollower(['', '[sync]', 'mode = "snapshot"']);
      for (const follower of [byBlocks, bySnapshot]) {
        const startMs = performance.now();
        cluster.start(follower);
        await cluster.reach(top, [follower], RECOVERY_TIMEOUT_MS);
        options.say(
          `empty node ${follower} is at height ${top} after ${Math.round(performance.now() - startMs)} ms`,
        );
      }
      assert.match(await cluster.logOf(bySnapshot), /state taken over/);
      await cluster.reach((await cluster.top()) + 3, [byBlocks, bySnapshot], RECOVERY_TIMEOUT_MS);
      await assertNoFork(cluster, [0, byBlocks]);
      await assertNoFork(cluster, [0, bySnapshot], await cluster.top());
      for (const follower of [byBlocks, bySnapshot]) await cluster.signal(follower, 'SIGTERM');
    },
    { OGPU_SYNC_SNAPSHOT_INTERVAL_BLOCKS: String(SNAPSHOT_INTERVAL_BLOCKS) },
  );

const SNAPSHOT_INTERVAL_BLOCKS = 10;

/** Every hostile act of strangers, one after the other, against one validator: the chain goes on, and its memory stays bounded. */
const siege: Scenario = (options) =>
  withTraffic(options, async (cluster, _prng, untilMs) => {
    const { p2pPort, peerId, rpcPort } = cluster.node(0);
    const status = (await call(rpcPort, 'ogpu_status')) as { chainId: number; genesisId: string };
    const hello = {
      ...{ chainId: status.chainId, genesisId: fromHex(status.genesisId, 32), protocolVersion: 1 },
      ...{ headHeight: 0, binding: [] },
    };
    const target = { address: `/ip4/127.0.0.1/tcp/${p2pPort}/p2p/${peerId}`, hello };
    const before = cluster.rssBytes(0);
    let key = 100;
    do {
      for (const act of HOSTILE_ACTS) {
        const height = await cluster.top();
        await act.perform(target, key++);
        await cluster.reach(height + 1, cluster.running, RECOVERY_TIMEOUT_MS);
      }
    } while (performance.now() < untilMs && key < MAX_KEY);
    const grown = cluster.rssBytes(0) - before;
    options.say(`${key - 100} hostile acts; memory of node 0 grew by ${Math.round(grown / 1024 ** 2)} MiB`);
    assert.ok(grown < MAX_SIEGE_GROWTH_BYTES, 'its memory is bounded');
  });

/** Keys of hostile peers are made from one byte. */
const MAX_KEY = 240;
const MAX_SIEGE_GROWTH_BYTES = 256 * 1024 ** 2;

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...{ kill, pause, partition, backup, disk, clock, join, siege },
};

function allBut(cluster: Cluster, without: readonly number[]): number[] {
  return cluster.devnet.nodes.map((_, index) => index).filter((index) => !without.includes(index));
}

/** The fewest that one may be missing of. */
const VALIDATORS = 4;

/** A cluster that is gone afterwards; where the scenario failed its files stay, and their place is told. */
async function withCluster(
  { say }: ScenarioOptions,
  play: (cluster: Cluster) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const cluster = await Cluster.create(VALIDATORS, { env });
  let isWell = false;
  try {
    cluster.startAll();
    await play(cluster);
    isWell = true;
  } finally {
    if (!isWell) say(`files of the nodes: ${cluster.devnet.folder}`);
    await cluster.dispose({ keep: !isWell });
  }
}

/** Transfers flow through trouble; afterwards all nodes run, agree, and have every transaction that any of them accepted. */
async function withTraffic(
  options: ScenarioOptions,
  trouble: (cluster: Cluster, prng: Prng, untilMs: number) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const play = async (cluster: Cluster): Promise<void> => {
    const prng = createPrng(options.seed);
    await cluster.reach(1, cluster.running, START_TIMEOUT_MS);
    const traffic = await Traffic.create(cluster, prng);
    traffic.start(100);
    await trouble(cluster, prng, performance.now() + 1_000 * options.seconds);
    await traffic.stop();
    const all = allBut(cluster, []);
    for (const index of all) if (!cluster.running.includes(index)) cluster.start(index);
    await cluster.reach((await cluster.top()) + 1, all, RECOVERY_TIMEOUT_MS);
    for (const index of all) await traffic.settle(index, RECOVERY_TIMEOUT_MS);
    const heights = await assertNoFork(cluster, all);
    for (const index of all) await assertNoFatal(cluster, index);
    const { accepted, failed } = traffic.report;
    assert.ok(accepted > 0, 'transfers were accepted');
    options.say(
      `${heights} heights, one block each; ${accepted} transfers accepted, none lost; ${failed} refused`,
    );
  };
  await withCluster(options, play, env);
}
