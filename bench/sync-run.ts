import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openDatabase } from '../node/database.js';
import type { LevelStore } from '../node/database/level-store.js';
import { boundHeapGrowth } from '../node/heap.js';
import type { RecoveredTransaction } from '../node/mempool/entry.js';
import { SenderRecovery } from '../node/mempool/recovery.js';
import { SignaturePool } from '../node/signatures/pool.js';
import { BlockSync } from '../node/sync/block-sync.js';
import { storeChainSource } from '../node/sync/chain-source.js';
import { storeLightSource } from '../node/sync/light-source.js';
import { SnapshotShelf } from '../node/sync/snapshots/shelf.js';
import { StateSync } from '../node/sync/state-sync.js';
import { chainHandlers } from '../p2p/chain-requests.js';
import { lightHandler } from '../p2p/light-requests.js';
import { snapshotHandlers } from '../p2p/snapshot-requests.js';
import { addressFromPublicKey } from '../protocol/address.js';
import { WEI_PER_OGPU } from '../protocol/amounts.js';
import { compareBytes } from '../protocol/bytes.js';
import { keccak256, sha256 } from '../protocol/crypto/hash.js';
import { secp256k1 } from '../protocol/crypto/secp256k1.js';
import { MAX_TRANSACTION_BYTES } from '../protocol/limits.js';
import { PROTOCOL_VERSION } from '../protocol/params.js';
import { PRESETS } from '../protocol/presets.js';
import { encodeTransaction } from '../protocol/transactions/encode.js';
import { signTransaction } from '../protocol/transactions/sign.js';
import { initializeLedger } from '../state/chain/genesis.js';
import { readHead } from '../state/chain/marks.js';
import type { Store } from '../state/store/store.js';
import { GENESIS_TIME_MS, simulatedChain, type SimulatedChain } from '../test/sim/consensus/chain.js';
import { FinalChain } from '../test/support/final-chain.js';
import { startNode } from '../test/support/p2p.js';
import { createPrng } from '../test/support/prng.js';

/*
 * The two sides of `sync.bench.ts`, each in a process of its own: `serve <folder> <accounts> <blocks> <transfers> <snapshot height>` makes a
 * chain, serves it and prints a `ServerReport`; `blocks` and `state <folder> <accounts> <server address>` catch up and print a `ClientReport`.
 */

export interface ServerReport {
  readonly address: string;
  readonly height: number;
  /** 0 without a snapshot. */
  readonly snapshotMs: number;
  /** Longest time for which the making of the snapshot held the thread. */
  readonly snapshotStallMs: number;
}

export interface ClientReport {
  readonly height: number;
  readonly transactions: number;
  readonly entries: number;
  readonly bytes: number;
  readonly elapsedMs: number;
  /** Processor time of all threads. */
  readonly cpuMs: number;
  readonly peakMiB: number;
}

const SENDERS = 2_000;
const GWEI = 10n ** 9n;

async function main([step, folder, accounts, ...rest]: readonly string[]): Promise<void> {
  if (folder === undefined) throw new RangeError('usage: serve|blocks|state folder accounts …');
  boundHeapGrowth();
  const chain = await benchChain(Number(accounts));
  const store = await openStore(folder, chain);
  if (step === 'serve') {
    const [blocks = 0, transfers = 0, snapshotHeight = 0] = rest.map(Number);
    print(await serve(folder, store, chain, { blocks, transfers, snapshotHeight }));
    return;
  }
  print(await catchUp(step === 'state' ? 'state' : 'blocks', store, chain, rest[0] ?? ''));
  await store.close();
  process.exit();
}

/** Four validators with BLS keys, and accounts of 100 OGPU each; the first ones have keys. */
async function benchChain(accounts: number): Promise<SimulatedChain> {
  const chain = await simulatedChain(4, true);
  const { genesis } = chain;
  const balanceWei = 100n * WEI_PER_OGPU;
  const addresses = Array.from({ length: accounts }, (_, index) => addressOf(index));
  const all = [...genesis.accounts(), ...addresses.map((address) => ({ address, balanceWei }))];
  all.sort((a, b) => compareBytes(a.address, b.address));
  return {
    ...chain,
    genesis: {
      ...genesis,
      params: PRESETS.devnet.params,
      reserveWei: genesis.reserveWei - balanceWei * BigInt(accounts),
      accounts: () => all,
    },
  };
}

function secretKeyOf(sender: number): Uint8Array {
  return sha256(Uint8Array.of(0x5e, sender >> 8, sender & 0xff));
}

function addressOf(index: number): Uint8Array {
  if (index < SENDERS) return addressFromPublicKey(secp256k1.publicKey(secretKeyOf(index)));
  return sha256(Uint8Array.of(index >> 16, (index >> 8) & 0xff, index & 0xff)).slice(0, 20);
}

async function openStore(
  folder: string,
  { genesis: { chainId, genesisId } }: SimulatedChain,
): Promise<LevelStore> {
  const identity = { chainId, genesisId, protocolVersion: PROTOCOL_VERSION };
  return (await openDatabase({ path: join(folder, 'ledger'), identity })).store;
}

interface ServedChain {
  readonly blocks: number;
  readonly transfers: number;
  readonly snapshotHeight: number;
}

async function serve(
  folder: string,
  store: LevelStore,
  chain: SimulatedChain,
  { blocks, transfers, snapshotHeight }: ServedChain,
): Promise<ServerReport> {
  await initializeLedger(store, chain.genesis);
  const source = await FinalChain.open(store, chain);
  const transferSource = new Transfers(chain.genesis.chainId);
  const shelf = await SnapshotShelf.open({
    ...{ store, folder: join(folder, 'snapshots'), intervalBlocks: Math.max(2, snapshotHeight) },
  });
  let [snapshotMs, snapshotStallMs] = [0, 0];
  while (source.height < blocks) {
    await source.produce({ transactions: transferSource.next(transfers), stepMs: 1_000 });
    if (source.height !== snapshotHeight) continue;
    const start = performance.now();
    const stalls = watchStalls();
    shelf.onBlock(source.height);
    await shelf.whenIdle();
    snapshotMs = performance.now() - start;
    snapshotStallMs = stalls();
  }
  const { address } = await startNode(1, {
    serve: [
      ...chainHandlers(storeChainSource(store)),
      lightHandler(storeLightSource(store)),
      ...snapshotHandlers(shelf),
    ],
    headHeight: () => source.height,
  });
  return { address, height: source.height, snapshotMs, snapshotStallMs };
}

/** The longest time between two turns of the event loop, from the call on. */
function watchStalls(): () => number {
  let longestMs = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - lastMs);
    lastMs = performance.now();
  }, 1);
  return () => {
    clearInterval(timer);
    return longestMs;
  };
}

/** Signed transfers between the accounts that have keys. */
class Transfers {
  readonly #chainId: bigint;
  readonly #prng = createPrng(1);
  readonly #nonces = new Uint32Array(SENDERS);
  readonly #addresses: readonly Uint8Array[];

  constructor(chainId: number) {
    this.#chainId = BigInt(chainId);
    this.#addresses = Array.from({ length: SENDERS }, (_, sender) => addressOf(sender));
  }

  next(count: number): RecoveredTransaction[] {
    return Array.from({ length: count }, () => {
      const index = this.#prng.below(SENDERS);
      const [sender, to] = [this.#addresses[index], this.#addresses[this.#prng.below(SENDERS)]];
      if (sender === undefined || to === undefined) throw new RangeError('every account has an address');
      const nonce = this.#nonces[index] ?? 0;
      this.#nonces[index] = nonce + 1;
      const transaction = signTransaction(
        {
          ...{ type: 'eip1559', chainId: this.#chainId, nonce: BigInt(nonce), gasLimit: 21_000n },
          ...{ maxFeePerGas: 1_000_000n * GWEI, maxPriorityFeePerGas: GWEI, to, value: 1n },
          ...{ data: new Uint8Array(0), accessList: [] },
        },
        secretKeyOf(index),
      );
      const bytes = encodeTransaction(transaction);
      return { transaction, sender, bytes, hash: keccak256(bytes) };
    });
  }
}

async function catchUp(
  what: 'blocks' | 'state',
  store: Store,
  chain: SimulatedChain,
  address: string,
): Promise<ClientReport> {
  const { bls, genesis } = chain;
  if (what === 'blocks') await initializeLedger(store, genesis);
  const { network } = await startNode(9);
  await network.dial(address);
  const pool = new SignaturePool({ workers: Math.max(1, availableParallelism() - 1) });
  let [transactions, entries, bytes] = [0, 0, 0];
  const cpu = process.cpuUsage();
  const start = performance.now();
  if (what === 'state') {
    const nowMs = (): number => GENESIS_TIME_MS + 100_000;
    const sync = new StateSync({
      ...{ store, bls, network, genesis, nowMs },
      onProgress: (progress) => ({ entries, bytes } = progress),
    });
    await sync.run();
  } else {
    const recovery = new SenderRecovery({
      recover: (batch) => pool.recoverAddresses(batch),
      decode: { chainId: BigInt(genesis.chainId), maxBytes: MAX_TRANSACTION_BYTES },
    });
    const sync = new BlockSync({
      ...{ store, bls, network },
      transactions: {
        resolve: async (envelopes) =>
          (await recovery.recoverAll(envelopes)).map((outcome) => {
            if (!outcome.ok) throw outcome.error;
            return outcome.recovered;
          }),
        onBlock: (hashes) => (transactions += hashes.length),
      },
      verifyStatements: (statements) => pool.verifyStatements(statements),
    });
    await sync.run();
  }
  const elapsedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  await pool.close();
  await network.stop();
  return {
    ...{ height: readHead(store)?.height ?? -1, transactions, entries, bytes, elapsedMs },
    cpuMs: (user + system) / 1000,
    peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

function print(report: ServerReport | ClientReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

await main(process.argv.slice(2));
