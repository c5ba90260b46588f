import { DiskError } from '../../../consensus/disk/disk.js';
import type { OpenHeight } from '../../../consensus/engine/open-height.js';
import { decodeMessage, encodeMessage, type Message } from '../../../consensus/messages.js';
import { synchronousEngine } from '../../../consensus/votes/engine.js';
import { SignerError } from '../../../consensus/signer/errors.js';
import type { SigningKey } from '../../../consensus/signer/local-signer.js';
import { openParticipant } from '../../../node/consensus/open-participant.js';
import type { Participant } from '../../../node/consensus/participant.js';
import type { LocalBlock } from '../../../node/consensus/block-execution.js';
import { bytesEqual, toHex } from '../../../protocol/bytes.js';
import { keccak256 } from '../../../protocol/crypto/hash.js';
import { describeError } from '../../../protocol/errors.js';
import { isNilBlockId, PREVOTE } from '../../../protocol/types/vote.js';
import { invariant } from '../../../protocol/invariant.js';
import { beaconSignBytes } from '../../../protocol/sign-bytes.js';
import type { Commit, ExtendedCommit } from '../../../protocol/types/commit.js';
import type { ValidatorSet } from '../../../protocol/types/validators.js';
import { readHead } from '../../../state/chain/block-batch.js';
import type { Head } from '../../../state/chain/records.js';
import { EVENTS } from '../../../state/staking/abi.js';
import { validatorsAt } from '../../../state/staking/active-set.js';
import { isTombstoned, validators } from '../../../state/staking/validator.js';
import { StoreError } from '../../../state/store/errors.js';
import type { Reader } from '../../../state/store/store.js';
import { chainIdentityAt, paramsRecord, progressRecord } from '../../../state/system/chain.js';
import type { Environment, Inhabitant } from '../scenario.js';
import { MILLISECOND_US } from '../units.js';
import { GENESIS_TIME_MS, type SimulatedChain, type SimulatedValidator } from './chain.js';
import { anyTransaction } from './client.js';
import { CRIMES, overhear, type Criminal } from './crimes.js';
import { twinDisk, type NodeDisk } from './disk.js';
import { shortName } from './hash-bls.js';
import type { Grounds, Seen } from './observations.js';
import { SimulatedTransactions } from './transactions.js';
import { subjectOf, type Subject } from './subject.js';
import { drawTwinSchedule, type Twin } from './twins.js';
import { witnessedKey, type Beacon } from './witness.js';

/** What crosses a simulated wire: encoded as it would be on a real one. */
export interface Packet {
  readonly kind: 'consensus' | 'transaction';
  readonly bytes: Uint8Array;
  readonly subject?: Subject | undefined;
}

export type Home = Environment<Packet, NodeDisk, Seen>;

/** The real node but for its sockets: engine, runner, log, signer, ledger and mempool, on a simulated clock, network and disk. */
export async function bootNode(
  home: Home,
  chain: SimulatedChain,
  crime: string | undefined,
): Promise<Inhabitant<Packet>> {
  const self = chain.validators[home.node];
  invariant(self !== undefined, 'every node is a validator');
  if (crime === 'twins') return bootTwins(home, chain, self);
  const node = new SimulatedNode(home, chain, self, crime);
  if (crime === undefined) await node.open();
  else if (!(await isOpened(node))) return { receive: () => undefined };
  return {
    receive: (from, packet) => node.receive(from, packet),
    disconnected: (peer) => {
      node.disconnected(peer);
    },
  };
}

/** Two nodes with one key behind one address, each honest by itself; which of them a peer talks to changes with the round. */
async function bootTwins(
  home: Home,
  chain: SimulatedChain,
  self: SimulatedValidator,
): Promise<Inhabitant<Packet>> {
  const schedule = drawTwinSchedule(home.random);
  const disks = [home.disk, twinDisk(home.disk, chain.store)];
  const twins = disks.map((disk, index) => {
    const twin = new SimulatedNode({ ...home, disk }, chain, self, undefined);
    twin.isHeard = (message, to) => schedule(message, to).includes(index as Twin);
    return twin;
  });
  const opened: SimulatedNode[] = [];
  for (const twin of twins) if (await isOpened(twin)) opened.push(twin);
  return {
    receive: async (from, packet) => {
      for (const twin of opened) await twin.receive(from, packet);
    },
    disconnected: (peer) => {
      for (const twin of opened) twin.disconnected(peer);
    },
  };
}

/** After a crash who has signed beside its signer finds that in the chain, and refuses to start. */
async function isOpened(node: SimulatedNode): Promise<boolean> {
  try {
    await node.open();
    return true;
  } catch (error) {
    if (error instanceof SignerError && error.code === 'SIGNER_SIGNED_ELSEWHERE') return false;
    throw error;
  }
}

/** What a transaction's sender waits at most before the next one. */
const CLIENT_PERIOD_MS = 2_000;

/** What the ledger does by itself and a run should have seen, by the topic of its logs. */
const NOTED_EVENTS: ReadonlyMap<string, string> = new Map([
  [toHex(EVENTS.EpochStarted.topic), 'epochs'],
  [toHex(EVENTS.UnbondingPaid.topic), 'unbondings'],
  [toHex(EVENTS.Tombstoned.topic), 'tombstones'],
]);
const NO_TOPIC = new Uint8Array(0);

class SimulatedNode {
  readonly #home: Home;
  readonly #chain: SimulatedChain;
  readonly #self: SimulatedValidator;
  readonly #criminal: Criminal | undefined;
  readonly #crime: string | undefined;
  readonly #transactions: SimulatedTransactions;
  /** Whether a message passes between this node and a peer. */
  isHeard: (message: Message, peer: number) => boolean = () => true;
  readonly #said = new Map<string, string>();
  /** Who decides the next block. */
  #set: ValidatorSet = [];
  #participant: Participant | undefined;
  /** The head this life began with, until it has been told. */
  #startHead: Head | undefined;
  /** What a proposer after the tip signs; the store may be a block ahead of the tip for a moment. */
  #beacon: Beacon;
  #lastSent: { readonly message: Message; readonly bytes: Uint8Array } | undefined;

  constructor(home: Home, chain: SimulatedChain, self: SimulatedValidator, crime: string | undefined) {
    this.#home = home;
    this.#chain = chain;
    this.#self = self;
    this.#crime = crime;
    this.#beacon = nextBeacon(home.disk.store);
    this.#transactions = new SimulatedTransactions(home.disk.store, chain.genesis.chainId, () =>
      this.#nowMs(),
    );
    const confess = (): void => {
      const validator = toHex(self.id);
      home.observe({ kind: 'crime', validator, line: `node ${home.node} can be convicted` });
    };
    const { random } = home;
    this.#criminal = crime === undefined ? undefined : { chain, self, random, proposals: new Map(), confess };
  }

  async open(): Promise<void> {
    const { disk, random } = this.#home;
    const { bls } = this.#chain;
    this.#startHead = readHead(disk.store);
    const log = disk.files.openFolder(`wal${disk.suffix}`);
    const signer = disk.files.openFolder(`signer${disk.suffix}`);
    const evidence = disk.files.openFolder(`evidence${disk.suffix}`);
    this.#participant = await openParticipant({
      store: disk.store,
      bls,
      logFolder: log.folder,
      evidenceFolder: evidence.folder,
      validator: { id: this.#self.id, key: this.#key(), folder: signer.folder, create: !disk.hasSigner },
      randomBytes: (length) => random.bytes(length),
      signatures: synchronousEngine(bls),
      network: {
        broadcast: (message) => {
          this.#tellSaid(message);
          for (let to = 0; to < this.#home.nodes; to++) if (to !== this.#home.node) this.#send(to, message);
        },
        send: (peer, message) => {
          this.#send(Number(peer), message);
        },
        sendToValidator: (id, message) => {
          const to = this.#chain.validators.findIndex((validator) => bytesEqual(validator.id, id));
          if (to >= 0 && to !== this.#home.node) this.#send(to, message);
        },
        blame: () => undefined,
      },
      clock: {
        nowMs: () => this.#nowMs(),
        setTimer: (delayMs, run) => this.#home.setTimer(delayMs * MILLISECOND_US, run),
      },
      transactions: this.#transactions,
      extensionContent: () => random.bytes(random.below(8)),
      checkInvariants: true,
      onFinal: (local, commit) => {
        this.#tellFinal(local, commit);
      },
      onStop: (error) => {
        this.#stopped(error);
      },
    });
    disk.hasSigner = true;
    this.#tellStart();
    this.#scheduleClient();
  }

  async receive(from: number, { kind, bytes }: Packet): Promise<void> {
    if (kind === 'transaction') {
      await this.#transactions.add(bytes);
      return;
    }
    const message = decodeMessage(bytes);
    if (this.#criminal !== undefined) overhear(this.#criminal, message);
    if (this.isHeard(message, from)) this.#participant?.receive(String(from), message);
  }

  disconnected(peer: number): void {
    this.#participant?.disconnected(String(peer));
  }

  #send(to: number, message: Message): void {
    if (!this.isHeard(message, to)) return;
    const told =
      this.#criminal && this.#crime ? CRIMES[this.#crime]?.(this.#criminal, message, to) : [message];
    if (this.#criminal !== undefined) overhear(this.#criminal, message);
    for (const one of told ?? [message]) {
      const bytes = this.#encode(one);
      this.#home.send(to, { kind: 'consensus', bytes, subject: subjectOf(one) }, bytes.length);
    }
  }

  /** One message goes to many, one after the other. */
  #encode(message: Message): Uint8Array {
    const bytes = this.#lastSent?.message === message ? this.#lastSent.bytes : encodeMessage(message);
    this.#lastSent = { message, bytes };
    return bytes;
  }

  #key(): SigningKey {
    const home = this.#home;
    return witnessedKey({
      bls: this.#chain.bls,
      secretKey: this.#self.blsSecretKey,
      durableRecord: () => home.disk.files.durableContent(`signer${home.disk.suffix}`, 'record'),
      beacon: () => this.#beacon,
      tell: ({ place, signBytes, isReveal }) => {
        const payload = shortName(signBytes);
        const isLogged = isReveal || !home.disk.files.hasUnsynced(`wal${home.disk.suffix}`);
        home.observe({
          ...{ kind: 'signed', place, payload, isLogged },
          line: `node ${home.node} signs ${place ?? '?'}: ${payload}`,
        });
      },
    });
  }

  #nowMs(): number {
    return GENESIS_TIME_MS + this.#home.clock.wallMs();
  }

  #scheduleClient(): void {
    const { random, nodes, node } = this.#home;
    this.#home.setTimer((1 + random.below(CLIENT_PERIOD_MS)) * MILLISECOND_US, async () => {
      this.#scheduleClient();
      const nonce = this.#transactions.pool.pendingNonce(this.#self.id);
      const bytes = anyTransaction(this.#chain, this.#self, nonce, random);
      const transaction = shortName(keccak256(bytes));
      this.#home.observe({ kind: 'submitted', transaction, line: `node ${node} submits ${transaction}` });
      if (!(await this.#transactions.add(bytes))) return;
      for (let to = 0; to < nodes; to++) {
        if (to !== node) this.#home.send(to, { kind: 'transaction', bytes }, bytes.length);
      }
    });
  }

  /** Once it is clear that the disk is this node's, and before anything else. */
  #tellStart(): void {
    const head = this.#startHead;
    if (head === undefined) return;
    this.#startHead = undefined;
    const { height } = head;
    const [id, stateRoot] = [toHex(head.id), toHex(head.stateRoot)];
    const line = `node ${this.#home.node} starts from height ${height}`;
    this.#home.observe({ kind: 'started', height, id, stateRoot, line });
    this.#tellSet(height);
  }

  #tellFinal({ block, id, transactionHashes, executed }: LocalBlock, { commit }: ExtendedCommit): void {
    this.#tellStart();
    const { height, stateRoot } = block.header;
    const { store } = this.#home.disk;
    const { beginLogs, endLogs } = executed.outcome.receipts;
    this.#beacon = nextBeacon(store);
    const isAsExecuted = bytesEqual(stateRoot, executed.commitments.stateRoot);
    invariant(isAsExecuted || this.#crime !== undefined, 'what is final is what was executed');
    this.#home.observe({
      kind: 'final',
      height,
      round: commit.round,
      id: toHex(id),
      stateRoot: toHex(stateRoot),
      signers: membersIn(commit, this.#set),
      tombstoned: this.#chain.validators
        .map((validator) => validator.id)
        .filter((owner) => isTombstoned(validators.read(store, owner)))
        .map(toHex),
      transactions: transactionHashes.map(shortName),
      events: [...beginLogs, ...endLogs].flatMap(
        ({ topics: [topic] }) => NOTED_EVENTS.get(toHex(topic ?? NO_TOPIC)) ?? [],
      ),
      line: `node ${this.#home.node} decided ${shortName(id)} at height ${height} in round ${commit.round}, ${block.body.transactions.length} transactions`,
    });
    this.#tellSet(height);
  }

  /** Who decides the height after the last. */
  #tellSet(last: number): void {
    const height = last + 1;
    const set = validatorsAt(this.#home.disk.store, height);
    this.#set = set;
    const powers = new Map(set.map(({ id, votingPower }) => [toHex(id), votingPower]));
    this.#home.observe({ kind: 'set', height, powers, line: `${set.length} validators at height ${height}` });
  }

  /** Own proposals and votes, before anybody hears them; once each. */
  #tellSaid(message: Message): void {
    const own = ownWord(message, this.#self.id);
    if (own === undefined) return;
    const { step, height, round, block } = own;
    const name = block?.slice(2, 10) ?? 'nil';
    const line = `node ${this.#home.node}: ${step} for ${name} at height ${height}, round ${round}`;
    if (this.#said.get(step) === line) return;
    this.#said.set(step, line);
    this.#home.observe({ kind: 'said', ...own, grounds: this.#groundsOf(own), line });
  }

  #groundsOf({ step, round, block }: Word): Grounds | undefined {
    const open = this.#participant?.engine.current;
    if (open === undefined || block === undefined || step === 'proposal') return undefined;
    const { driver } = open;
    const validRound = driver.proposal(round)?.validRound ?? null;
    const polkaRound = step === 'prevote' ? validRound : round;
    // Whoever decides before it has precommitted does so afterwards, whatever prevotes it has heard.
    const isFree = polkaRound === null || driver.state.step === 'decided';
    const header = open.blocks.get(block)?.header;
    return {
      stateRoot: header && toHex(header.stateRoot),
      validRound,
      polka: isFree ? undefined : prevotersOf(open, polkaRound, block),
    };
  }

  /** A disk that refuses ends the process; anything else is a bug. */
  #stopped(error: unknown): void {
    if (error instanceof DiskError || error instanceof StoreError) {
      this.#home.exit(describeError(error));
      return;
    }
    this.#home.setTimer(0, () => {
      throw error instanceof Error ? error : new Error(String(error));
    });
  }
}

function nextBeacon(state: Reader): Beacon {
  const { height: last, beacon } = progressRecord.read(state);
  const height = last + 1;
  const identity = chainIdentityAt(state, paramsRecord.read(state), height);
  return { height, signBytes: beaconSignBytes(identity, height, beacon) };
}

/** Whose prevotes for a block a node has, one by one or in a certificate. */
function prevotersOf(open: OpenHeight, round: number, block: string): string[] {
  const votes = open.driver.votes.votesFor('prevote', round, block).map(({ validator }) => validator);
  const polka = open.polkas.get(round);
  const isProof = polka !== undefined && toHex(polka.blockId) === block;
  return [...votes, ...(isProof ? membersIn(polka, open.context.validators) : [])];
}

/** Who signed, by id. */
function membersIn({ signers }: Pick<Commit, 'signers'>, set: ValidatorSet): string[] {
  return set.filter((_, index) => signers.get(index)).map(({ id }) => toHex(id));
}

type Word = Omit<Extract<Seen, { readonly kind: 'said' }>, 'kind' | 'line' | 'grounds'>;

function ownWord(message: Message, self: Uint8Array): Word | undefined {
  if (message.kind === 'proposal') {
    const { payload, proposer } = message.proposal.proposal;
    const { height, round, blockId } = payload;
    return bytesEqual(proposer, self)
      ? { step: 'proposal', height, round, block: toHex(blockId) }
      : undefined;
  }
  if (message.kind !== 'vote' || !bytesEqual(message.vote.vote.validator, self)) return undefined;
  const { kind, payload } = message.vote.vote;
  const { height, round, blockId } = payload;
  const block = isNilBlockId(blockId) ? undefined : toHex(blockId);
  return { step: kind === PREVOTE ? 'prevote' : 'precommit', height, round, block };
}
