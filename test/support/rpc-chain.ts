import { setTimeout as delay } from 'node:timers/promises';
import { SoloChain, type BlockPlan, type Member, type ProducedBlock } from './solo-chain.js';
import { changedAccounts } from '../../node/mempool/changed-accounts.js';
import type { MempoolConfig } from '../../node/mempool/config.js';
import { Mempool } from '../../node/mempool/mempool.js';
import { SenderRecovery } from '../../node/mempool/recovery.js';
import { submitter } from '../../node/mempool/submissions.js';
import { createRpcBackend, type NodeRpcBackend } from '../../node/rpc-backend.js';
import { addressFromPublicKey } from '../../protocol/address.js';
import { TOTAL_SUPPLY_WEI, WEI_PER_OGPU } from '../../protocol/amounts.js';
import { compareBytes, toHex, type Hex } from '../../protocol/bytes.js';
import { bls } from '../../protocol/crypto/bls.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { secp256k1 } from '../../protocol/crypto/secp256k1.js';
import { PRESETS } from '../../protocol/presets.js';
import { executionApiFault } from './execution-api.js';
import { addressFromSignature } from './signatures.js';
import { blockId } from '../../protocol/types/header.js';
import type { ChainParams } from '../../protocol/params.js';
import { MAX_BLOCK_TRANSACTIONS } from '../../protocol/limits.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import type { BlobDesk, NodeStatus } from '../../rpc/backend.js';
import { METHOD_TABLE } from '../../rpc/methods/index.js';
import { startRpcServer, type RpcServer, type RpcServerOptions } from '../../rpc/server.js';
import { initializeLedger } from '../../state/chain/genesis.js';
import { MemoryStore } from '../../state/store/memory.js';
import type { Store } from '../../state/store/store.js';
import { paramsRecord, progressRecord } from '../../state/system/chain.js';

const { chainId, params: DEVNET } = PRESETS.devnet;

export interface RpcChainOptions {
  readonly validators?: number;
  readonly params?: ChainParams;
  readonly pool?: Partial<MempoolConfig>;
  /** A block follows each transaction by itself; true unless told otherwise. */
  readonly isAutomatic?: boolean;
  /** How long after it: in the next turn unless told otherwise. */
  readonly blockAfterMs?: number;
  readonly hasFaucet?: boolean;
  readonly blobs?: BlobDesk;
  readonly server?: Partial<RpcServerOptions>;
  /** In memory unless told otherwise. */
  readonly store?: Store;
}

/** What a call comes to. */
export interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** Somebody with money from the beginning. */
export interface RichAccount {
  readonly address: Hex;
  readonly privateKey: Hex;
}

const RICH = 8;
const RICH_WEI = 1_000_000n * WEI_PER_OGPU;
const STAKE_WEI = 10_000n * WEI_PER_OGPU;
const FAUCET_WEI = 10n * WEI_PER_OGPU;

/** A chain in this process – real store, pool, blocks, BLS commits – whose validators agree without a network, served over JSON-RPC. */
export class RpcChain {
  readonly store: Store;
  readonly pool: Mempool;
  readonly backend: NodeRpcBackend;
  server: RpcServer;
  readonly members: readonly Member[];
  readonly rich: readonly RichAccount[];
  readonly genesis: { readonly id: Uint8Array; readonly timeMs: number };
  /** What the server has written to its log. */
  readonly logged: { readonly level: string; readonly fields: object; readonly message: string }[];
  status: NodeStatus = { syncing: undefined, peers: [], validator: undefined };
  readonly #chain: SoloChain;
  #work: Promise<unknown> = Promise.resolve();
  #isQueued = false;

  private constructor(
    parts: Pick<
      RpcChain,
      'store' | 'pool' | 'backend' | 'server' | 'members' | 'rich' | 'genesis' | 'logged'
    >,
  ) {
    this.store = parts.store;
    this.pool = parts.pool;
    this.backend = parts.backend;
    this.server = parts.server;
    this.members = parts.members;
    this.rich = parts.rich;
    this.genesis = parts.genesis;
    this.logged = parts.logged;
    this.#chain = new SoloChain(parts.store, parts.members);
  }

  static async start(options: RpcChainOptions = {}): Promise<RpcChain> {
    const { store = new MemoryStore(), isAutomatic = true, params = DEVNET } = options;
    const members = Array.from({ length: options.validators ?? 1 }, (_, index) => makeMember(index)).sort(
      (a, b) => compareBytes(a.owner, b.owner),
    );
    const rich = Array.from({ length: RICH }, (_, index) => makeRich(index));
    const genesis = { id: sha256(Uint8Array.of(members.length)), timeMs: Date.now() - 3_600_000 };
    await initializeLedger(store, ledgerGenesis(members, rich, params, genesis));
    const pool = new Mempool({
      state: store,
      nowMs: () => Date.now(),
      config: { maxSenderCount: 1024, ...options.pool },
    });
    const recovery = new SenderRecovery({
      recover: (batch) => Promise.resolve(batch.map(addressFromSignature)),
      decode: { chainId: BigInt(chainId) },
      known: (hash) => pool.get(hash),
    });
    const late: { chain?: RpcChain } = {};
    const onAccepted = (): void => {
      if (isAutomatic) late.chain?.mineSoon(options.blockAfterMs);
    };
    const backend = createRpcBackend({
      store,
      pool,
      submit: submitter({ recovery, pool, onAccepted }),
      status: () => late.chain?.status ?? { syncing: undefined, peers: [], validator: undefined },
      blobs: options.blobs,
      ...(options.hasFaucet === true ? { faucet: faucetOf(rich) } : {}),
    });
    const logged: RpcChain['logged'] = [];
    const log = (level: string) => (fields: object, message: string) =>
      logged.push({ level, fields, message });
    const server = await startRpcServer({
      backend,
      log: { info: log('info'), warn: log('warn'), error: log('error') },
      port: 0,
      ...options.server,
    });
    late.chain = new RpcChain({ store, pool, backend, server, members, rich, genesis, logged });
    return late.chain;
  }

  /** Ends the server and starts another, which remembers nothing. */
  async serveAnew(): Promise<void> {
    await this.server.close();
    const silent = (): void => undefined;
    const log = { info: silent, warn: silent, error: silent };
    this.server = await startRpcServer({ backend: this.backend, log, port: 0 });
  }

  get height(): number {
    return progressRecord.read(this.store).height;
  }

  get openSockets(): number {
    return this.server.sockets;
  }

  /** Makes a block of what waits in the pool, after those being made. */
  mine(plan: BlockPlan = {}): Promise<ProducedBlock> {
    const made = this.#work.then(() => this.#produce(plan));
    this.#work = made.catch(() => undefined);
    return made;
  }

  /** Makes a block in the next turn, unless one is about to be made. */
  mineSoon(afterMs = 0): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    void this.#work.then(async () => {
      if (afterMs > 0) await delay(afterMs);
      this.#isQueued = false;
      await this.mine();
    });
  }

  /** One JSON-RPC call, and what it comes to: a result is held against the schema of the method, and that of the public API. */
  async call(method: string, params: unknown = []): Promise<Answer> {
    const { body } = await this.post(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
    const answer = JSON.parse(body) as Answer;
    if (answer.error === undefined) assertShape(method, answer.result);
    return answer;
  }

  /** Its result. */
  async ask<Result = never>(method: string, params: unknown = []): Promise<Result> {
    const { result, error } = await this.call(method, params);
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result as Result;
  }

  async post(body: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
    const response = await fetch(this.server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    return { status: response.status, body: await response.text() };
  }

  async close(): Promise<void> {
    await this.#work;
    await this.server.close();
    await this.store.close();
  }

  async #produce(plan: BlockPlan): Promise<ProducedBlock> {
    const { store, pool } = this;
    const { baseFeeWei, timeMs } = progressRecord.read(store);
    const { gasLimit, maxBlockBytes } = paramsRecord.read(store).blocks;
    const selected = pool.select({
      state: store,
      baseFeeWei,
      gasLimit,
      maxBytes: maxBlockBytes - 65_536,
      maxCount: MAX_BLOCK_TRANSACTIONS,
    });
    const envelopes = plan.envelopes ?? selected.map(({ bytes }) => bytes);
    const made = await this.#chain.produce({ stepMs: Math.max(1, Date.now() - timeMs), ...plan, envelopes });
    const { block, executed, commit } = made;
    const transactionHashes = envelopes.map(keccak256);
    const touched = changedAccounts(executed.outcome.changes);
    pool.onBlock({ state: store, touched, included: transactionHashes });
    const local = { block, id: blockId(block.header), transactionHashes, executed };
    this.backend.publish(local, { commit, extensions: [] });
    return made;
  }
}

/** Throws where a result is not what the documents say it is. */
export function assertShape(method: string, result: unknown): void {
  const own = METHOD_TABLE.get(method)?.result.schema.safeParse(result);
  if (own?.success === false) throw new Error(`${method}: ${own.error.message} in ${JSON.stringify(result)}`);
  const fault = executionApiFault(method, result);
  if (fault !== undefined) throw new Error(`${method}: ${fault} in ${JSON.stringify(result)}`);
}

/** Waits for a condition, at most ten seconds. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what = 'the condition holds',
): Promise<void> {
  const endMs = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`ten seconds have passed before ${what}`);
    await delay(5);
  }
}

function ledgerGenesis(
  members: readonly Member[],
  rich: readonly RichAccount[],
  params: ChainParams,
  { id, timeMs }: RpcChain['genesis'],
): Parameters<typeof initializeLedger>[1] {
  const accounts = rich
    .map(({ privateKey }) => ({ address: addressOf(bytesOf(privateKey)), balanceWei: RICH_WEI }))
    .sort((a, b) => compareBytes(a.address, b.address));
  return {
    chainId,
    genesisId: id,
    genesisTimeMs: timeMs,
    params,
    reserveWei: TOTAL_SUPPLY_WEI - STAKE_WEI * BigInt(members.length) - RICH_WEI * BigInt(rich.length),
    validators: members.map(({ owner, blsSecretKey, blsPublicKey }, index) => ({
      name: `validator ${index}`,
      ...{ owner, operator: owner, payout: owner, blsPublicKey },
      proofOfPossession: bls.provePossession(blsSecretKey),
      stakeWei: STAKE_WEI,
      commissionBps: 500,
    })),
    accounts: () => accounts,
  };
}

function makeMember(index: number): Member {
  const ownerSecretKey = sha256(Uint8Array.of(1, index));
  const blsSecretKey = sha256(Uint8Array.of(2, index));
  blsSecretKey[0] = (blsSecretKey[0] ?? 0) >> 2;
  return {
    owner: addressOf(ownerSecretKey),
    ownerSecretKey,
    blsSecretKey,
    blsPublicKey: bls.publicKey(blsSecretKey),
  };
}

function makeRich(index: number): RichAccount {
  const secretKey = sha256(Uint8Array.of(3, index));
  return { address: toHex(addressOf(secretKey)), privateKey: toHex(secretKey) };
}

function faucetOf(rich: readonly RichAccount[]): {
  secretKey: Uint8Array;
  amountWei: bigint;
  intervalMs: number;
} {
  const last = rich.at(-1);
  if (last === undefined) throw new RangeError('somebody is rich');
  return { secretKey: bytesOf(last.privateKey), amountWei: FAUCET_WEI, intervalMs: 60_000 };
}

function addressOf(secretKey: Uint8Array): Uint8Array {
  return addressFromPublicKey(secp256k1.publicKey(secretKey));
}

function bytesOf(hex: Hex): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.slice(2), 'hex'));
}
