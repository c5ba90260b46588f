import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openDatabase } from '../../node/database.js';
import type { LevelStore } from '../../node/database/level-store.js';
import { BlockSync, type BlockSyncParts } from '../../node/sync/block-sync.js';
import { storeLightSource } from '../../node/sync/light-source.js';
import { lightHandler } from '../../p2p/light-requests.js';
import { snapshotHandlers, type SnapshotSource } from '../../p2p/snapshot-requests.js';
import { storeChainSource } from '../../node/sync/chain-source.js';
import { chainHandlers, type ChainSource } from '../../p2p/chain-requests.js';
import type { NetworkParts } from '../../p2p/network.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { compareBytes } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { PROTOCOL_VERSION } from '../../protocol/params.js';
import { initializeLedger } from '../../state/chain/genesis.js';
import { readHead } from '../../state/chain/marks.js';
import { NODE_KEYS } from '../../state/store/keys.js';
import { MemoryStore } from '../../state/store/memory.js';
import type { Store } from '../../state/store/store.js';
import type { SimulatedChain } from '../sim/consensus/chain.js';
import { SimulatedTransactions } from '../sim/consensus/transactions.js';
import { withFolder } from './faulty-stores.js';
import { GENESIS_TIME_MS } from './ledger.js';
import { connect, startNode, type TestNode } from './p2p.js';

/** Nodes and databases of one test, let go of when it ends, however it does. */
export class Scene {
  readonly folder: string;
  readonly #ends: (() => Promise<void>)[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static play(run: (scene: Scene) => Promise<void>): Promise<void> {
    return withFolder(async (folder) => {
      const scene = new Scene(folder);
      try {
        await run(scene);
      } finally {
        for (const end of scene.#ends.reverse()) await end();
      }
    });
  }

  /** What is begun last ends first. */
  atEnd(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  /** A database on disk with the genesis of a chain, or what was there before. */
  async ledger(chain: SimulatedChain, name = 'ledger'): Promise<LevelStore> {
    const store = await this.emptyLedger(chain, name);
    await initializeLedger(store, chain.genesis);
    return store;
  }

  /** A database on disk that has no state yet, or what was there before. */
  async emptyLedger({ genesis }: SimulatedChain, name = 'ledger'): Promise<LevelStore> {
    const { chainId, genesisId } = genesis;
    const identity = { chainId, genesisId, protocolVersion: PROTOCOL_VERSION };
    const { store } = await openDatabase({ path: join(this.folder, name), identity });
    this.atEnd(() => store.close());
    return store;
  }

  async node(number: number, parts: Partial<NetworkParts> = {}): Promise<TestNode> {
    const node = await startNode(number, parts);
    this.atEnd(() => node.network.stop());
    return node;
  }

  /** A node that serves what is in a store. */
  server(
    number: number,
    store: Store,
    change: (source: ChainSource) => ChainSource = same,
  ): Promise<TestNode> {
    const serve = chainHandlers(change(storeChainSource(store)));
    return this.node(number, { serve, headHeight: () => heightOf(store) });
  }

  /** A node that is connected to servers. */
  async client(number: number, servers: readonly TestNode[]): Promise<TestNode> {
    const client = await this.node(number);
    for (const server of servers) await connect(client, server);
    return client;
  }
}

/** A node that serves blocks, light blocks and snapshots. */
export function snapshotServer(
  scene: Scene,
  number: number,
  store: Store,
  snapshots: SnapshotSource,
): Promise<TestNode> {
  return scene.node(number, {
    serve: [
      ...chainHandlers(storeChainSource(store)),
      lightHandler(storeLightSource(store)),
      ...snapshotHandlers(snapshots),
    ],
    headHeight: () => heightOf(store),
  });
}

const same = (source: ChainSource): ChainSource => source;

export function heightOf(store: Store): number {
  return readHead(store)?.height ?? -1;
}

/** A sync of a store over a node's network. */
export function blockSyncOf(
  store: Store,
  node: Pick<TestNode, 'network'>,
  chain: SimulatedChain,
  parts: Partial<BlockSyncParts> = {},
): BlockSync {
  const transactions = new SimulatedTransactions(store, chain.genesis.chainId, () => GENESIS_TIME_MS);
  return new BlockSync({ store, bls: chain.bls, network: node.network, transactions, ...parts });
}

/** Every key and value of two ledgers is the same, but for what begins with some prefixes. */
export async function assertSameContent(a: Store, b: Store, but: readonly string[] = []): Promise<void> {
  const [expected, found] = [await contentOf(a), await contentOf(b)];
  const names = new Set([...expected.keys(), ...found.keys()]);
  const different = [...names]
    .filter((name) => !but.some((prefix) => name.startsWith(prefix)))
    .filter((name) => expected.get(name) !== found.get(name));
  assert.deepEqual(different.slice(0, 5), [], `${different.length} entries differ`);
}

async function contentOf(store: Store): Promise<Map<string, string>> {
  const content = new Map<string, string>();
  const all = { gte: Uint8Array.of(0), lt: Uint8Array.of(255), limit: 10_000_000 };
  for await (const page of store.range(all)) {
    for (const { key, value } of page) {
      const name = Buffer.from(key).toString('latin1');
      if (name !== STAMP) content.set(name, Buffer.from(value).toString('hex'));
    }
  }
  return content;
}

/** Only a database on disk has it. */
const STAMP = Buffer.from(NODE_KEYS.meta.encode('schema')).toString('latin1');

/** The same chain with more accounts in its genesis, of one OGPU each. */
export async function withAccounts(chain: SimulatedChain, count: number): Promise<SimulatedChain> {
  const { genesis } = chain;
  const more = Array.from({ length: count }, (_, i) => {
    const number = new Uint8Array(4);
    new DataView(number.buffer).setUint32(0, i);
    return { address: sha256(number).slice(0, 20), balanceWei: WEI_PER_OGPU };
  });
  const accounts = [...genesis.accounts(), ...more].sort((a, b) => compareBytes(a.address, b.address));
  const reserveWei = genesis.reserveWei - BigInt(count) * WEI_PER_OGPU;
  const larger = { ...genesis, reserveWei, accounts: () => accounts };
  const store = new MemoryStore();
  await initializeLedger(store, larger);
  return { ...chain, genesis: larger, store };
}
