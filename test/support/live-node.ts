import { synchronousEngine } from '../../consensus/votes/engine.js';
import { openSigner, type SigningKey } from '../../consensus/signer/local-signer.js';
import { openParticipant } from '../../node/consensus/open-participant.js';
import type { LocalBlock } from '../../node/consensus/block-execution.js';
import { ChainFollower, type FollowParts, type FollowState } from '../../node/sync/chain-follower.js';
import { storeChainSource } from '../../node/sync/chain-source.js';
import { chainHandlers } from '../../p2p/chain-requests.js';
import { monotonicClock } from '../../p2p/clock.js';
import { encodeTransaction } from '../../protocol/transactions/encode.js';
import { signTransaction } from '../../protocol/transactions/sign.js';
import { readAccount } from '../../state/accounts/account.js';
import type { OgpuError } from '../../protocol/errors.js';
import type { Store } from '../../state/store/store.js';
import { GENESIS_TIME_MS, type SimulatedChain, type SimulatedValidator } from '../sim/consensus/chain.js';
import { SimulatedTransactions } from '../sim/consensus/transactions.js';
import { SimulatedDisk } from '../sim/disk.js';
import type { FinalChain } from './final-chain.js';
import { PRESETS } from '../../protocol/presets.js';
import { Gathered, type TestNode } from './p2p.js';
import { GWEI } from './ledger.js';
import { createPrng } from './prng.js';
import { heightOf, type Scene } from './sync.js';

/** Where the clocks of live nodes begin: well after the blocks a test has made. */
const START_MS = GENESIS_TIME_MS + 3_600_000;

/** A whole node of a chain, of the parts that production has: real sockets and a real clock; its files are in memory. */
export class LiveNode {
  readonly node: TestNode;
  readonly store: Store;
  readonly follower: ChainFollower;
  readonly states = new Gathered<FollowState>();
  readonly finals = new Gathered<LocalBlock>();
  readonly stops: unknown[] = [];
  readonly warnings: OgpuError[] = [];
  readonly transactions: SimulatedTransactions;
  /** Hears nothing of consensus. */
  isDeaf = false;
  readonly #validator: SimulatedValidator;
  #isBusy = false;

  private constructor(node: TestNode, store: Store, chain: SimulatedChain, options: LiveOptions) {
    this.node = node;
    this.store = store;
    const { index, disk = new SimulatedDisk({ prng: createPrng(1) }), ...parts } = options;
    const validator = chain.validators[index];
    if (validator === undefined) throw new RangeError('no such validator');
    this.#validator = validator;
    const { bls } = chain;
    const nowMs = (): number => Math.round(START_MS + performance.now());
    this.transactions = new SimulatedTransactions(store, chain.genesis.chainId, nowMs);
    const key = keyOf(chain, index);
    const [{ folder }, { folder: logFolder }] = [disk.openFolder('signer'), disk.openFolder('wal')];
    const { folder: evidenceFolder } = disk.openFolder('evidence');
    let hasSigner = options.disk !== undefined;
    const onStop = (error: unknown): void => {
      this.stops.push(error);
    };
    const onFinal = (local: LocalBlock): void => {
      this.finals.add(local);
      if (this.#isBusy) void this.#work();
    };
    this.follower = new ChainFollower({
      ...{ store, bls, network: node.network, transactions: this.transactions, onStop, onFinal },
      lonelyMs: 200,
      onState: (state) => this.states.add(state),
      openParticipant: async () => {
        const participant = await openParticipant({
          ...{ store, bls, transactions: this.transactions, network: node.network, onStop, onFinal },
          logFolder,
          evidenceFolder,
          validator: { id: validator.id, key, folder, create: !hasSigner },
          randomBytes: (length) => new Uint8Array(length).fill(index + 1),
          signatures: synchronousEngine(bls),
          clock: { nowMs, setTimer: (delayMs, run) => monotonicClock.setTimer(delayMs, run) },
          onWarning: (error) => this.warnings.push(error),
        });
        hasSigner = true;
        return participant;
      },
      ...parts,
    });
  }

  /** Begins to listen; `follower.start` begins the rest. */
  static async create(
    scene: Scene,
    number: number,
    store: Store,
    chain: SimulatedChain,
    options: LiveOptions,
  ): Promise<LiveNode> {
    const serve = chainHandlers(storeChainSource(store));
    const born: LiveNode[] = [];
    const node = await scene.node(number, {
      serve,
      headHeight: () => heightOf(store),
      onMessage: (peer, message) => {
        for (const { isDeaf, follower } of born) if (!isDeaf) follower.receive(peer, message);
      },
    });
    const live = new LiveNode(node, store, chain, options);
    born.push(live);
    const { follower } = live;
    scene.atEnd(() => follower.stop());
    return live;
  }

  get height(): number {
    return heightOf(this.store);
  }

  /** Gives it a transaction of its own after each block, so that blocks follow each other quickly. */
  async keepBusy(): Promise<void> {
    this.#isBusy = true;
    await this.#work();
  }

  async #work(): Promise<void> {
    const { nonce } = readAccount(this.store, this.#validator.id);
    await this.transactions.add(transferBy(this.#validator, BigInt(nonce)));
  }
}

export interface LiveOptions extends Partial<FollowParts> {
  /** Which validator it is. */
  readonly index: number;
  /** Where it has signed before. */
  readonly disk?: SimulatedDisk;
}

/** A disk on which a validator's signer has signed the head of a chain, as one that was there all the time has. */
export async function diskOfPresent(
  chain: SimulatedChain,
  index: number,
  { tip }: FinalChain,
): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ prng: createPrng(1) });
  const { chainId, genesisId } = chain.genesis;
  const { folder, unlock } = disk.openFolder('signer');
  const versionAt = (height: number): number => tip.chainAt(height).protocolVersion;
  const key = keyOf(chain, index);
  const signer = await openSigner({ chainId, genesisId, folder, key, versionAt, create: true });
  const { height, id } = tip.parent;
  await signer.signPrecommit({ height, round: 0, blockId: id }, new Uint8Array(0));
  await unlock();
  return disk;
}

function keyOf({ bls, validators }: SimulatedChain, index: number): SigningKey {
  const validator = validators[index];
  if (validator === undefined) throw new RangeError('no such validator');
  return {
    publicKey: bls.publicKey(validator.blsSecretKey),
    sign: (message) => bls.sign(validator.blsSecretKey, message),
  };
}

/** One wei to nobody. */
function transferBy({ ownerSecretKey }: SimulatedValidator, nonce: bigint): Uint8Array {
  return encodeTransaction(
    signTransaction(
      {
        ...{ type: 'eip1559', chainId: BigInt(PRESETS.devnet.chainId), nonce, gasLimit: 21_000n },
        ...{ maxFeePerGas: 1_000n * GWEI, maxPriorityFeePerGas: GWEI, value: 1n },
        ...{ to: new Uint8Array(20).fill(0xaa), data: new Uint8Array(0), accessList: [] },
      },
      ownerSecretKey,
    ),
  );
}
