import { createCommittee } from '../consensus/committee.js';
import { shortIdOf } from '../consensus/compact-block.js';
import type { NamedTransaction } from '../node/consensus/block-assembly.js';
import { keyText } from '../state/store/key-text.js';
import type { ChainTip } from '../node/consensus/chain-tip.js';
import { compareBytes } from '../protocol/bytes.js';
import { keccak256 } from '../protocol/crypto/hash.js';
import { PRESETS } from '../protocol/presets.js';
import { hashBls } from '../test/sim/consensus/hash-bls.js';
import { regionLatency, spreadOverRegions } from '../test/sim/latency.js';
import { Network } from '../test/sim/network.js';
import { Recorder } from '../test/sim/recorder.js';
import { Scheduler } from '../test/sim/scheduler.js';
import { createStreams } from '../test/sim/streams.js';
import { SECOND_US } from '../test/sim/units.js';
import { TEST_CHAIN, TestMember } from '../test/support/committee.js';
import type { Costs } from './consensus-costs.js';
import { WideAreaNode, type Packet, type World } from './wide-area-node.js';

export interface WideAreaOptions {
  readonly validators: number;
  readonly heights: number;
  /** Of every block. */
  readonly envelopes: readonly Uint8Array[];
  /** Share of them that a node has not heard of when their block comes, in hundredths of a percent; others on each node. */
  readonly unknownBps: number;
  readonly costs: Costs;
}

export interface WideAreaReport {
  /** From the proposer's opening of a height to its being durable on a node: one for each height and node. */
  readonly fromOpeningMs: readonly number[];
  /** The same from the moment the proposal leaves. */
  readonly fromProposalMs: readonly number[];
  readonly messagesPerHeight: number;
  readonly bytesPerHeight: number;
  /** Heights that took more than one proposal. */
  readonly extraRounds: number;
  readonly resends: number;
  /** Share of a core that is busy, of the busiest node. */
  readonly mainShare: number;
  readonly workerShare: number;
  readonly heapBytesPerNode: number;
}

/** Upload of each node: 1 Gbit/s. */
const UPLOAD_BYTES_PER_SECOND = 125_000_000;

/** Heights before what is measured: the first has no parent to prove. */
const WARM_UP = 2;

const LIMIT_US = 300 * SECOND_US;

/** Runs validators all over the world until each has decided `heights` heights. */
export async function runWideArea(options: WideAreaOptions): Promise<WideAreaReport> {
  const { validators, heights } = options;
  const scheduler = new Scheduler();
  const recorder = new Recorder(() => scheduler.nowUs);
  const stage = new Stopwatch(() => scheduler.nowUs);
  const before = heapBytes();
  const nodes: WideAreaNode[] = [];
  const network = new Network<Packet>(
    {
      nodes: validators,
      latency: regionLatency(spreadOverRegions(validators)),
      isOrdered: true,
      uploadBytesPerSecond: UPLOAD_BYTES_PER_SECOND,
      maxInFlight: 100_000,
      overflow: 'drop-newest',
      copy: (packet) => packet,
    },
    { scheduler, recorder, streams: createStreams(1) },
    {
      deliver: (from, to, packet) => nodes[to]?.receive(from, packet),
      disconnected: () => undefined,
    },
  );
  const world = createWorld(options, scheduler, network, stage);
  for (let index = 0; index < validators; index++) nodes.push(new WideAreaNode(world, index));
  for (const node of nodes) scheduler.after(0, () => node.start());
  const isDone = (): boolean => stage.finals.get(heights + WARM_UP) === validators;
  const end = await scheduler.run({ untilUs: LIMIT_US, isDone });
  if (end !== 'done') throw new RangeError(`${validators} validators do not come to height ${heights}`);
  const share = (of: (node: WideAreaNode) => number): number => Math.max(...nodes.map(of)) / scheduler.nowUs;
  return {
    ...stage.report(WARM_UP),
    messagesPerHeight: network.counts.sent / (heights + WARM_UP) / validators,
    bytesPerHeight: network.counts.sentBytes / (heights + WARM_UP) / validators,
    mainShare: share(({ main }) => main.busyUs),
    workerShare: share(({ worker }) => worker.busyUs),
    heapBytesPerNode: (heapBytes() - before) / validators,
  };
}

function createWorld(
  { validators, envelopes, unknownBps, costs }: WideAreaOptions,
  scheduler: Scheduler,
  network: Network<Packet>,
  stage: Stopwatch,
): World {
  const members = Array.from(
    { length: validators },
    (_, number) => new TestMember(number, 1, { bls: hashBls }),
  );
  const set = members.map(({ validator }) => validator).sort((a, b) => compareBytes(a.id, b.id));
  const committee = createCommittee(set, hashBls);
  const { params } = PRESETS.mainnet;
  const envelopeHashes = envelopes.map(keccak256);
  const named = envelopes.map((bytes): NamedTransaction => ({ bytes, hash: keccak256(bytes) }));
  const pool = new Map(named.map((one) => [keyText(shortIdOf(one.hash)), one]));
  const isKnown = (node: number, hash: Uint8Array): boolean =>
    ((hash[30] ?? 0) * 256 + (hash[31] ?? 0) + node * 7_919) % 10_000 >= unknownBps;
  const firstTip: ChainTip = {
    params,
    chainAt: () => TEST_CHAIN,
    parent: { height: 0, id: TEST_CHAIN.genesisId, timeMs: 1_800_000_000_000, extensions: [] },
    previousBeacon: TEST_CHAIN.genesisId,
    committee,
    parentCommittee: undefined,
    grandparentCommittee: undefined,
    keyAt: () => undefined,
    commit: undefined,
  };
  return {
    scheduler,
    costs,
    members,
    firstTip,
    envelopes,
    envelopeHashes,
    hashesOf: ({ body }) => (body.transactions.length === 0 ? [] : envelopeHashes),
    unknownTo: (node) => envelopeHashes.filter((hash) => !isKnown(node, hash)).length,
    find: (node, shortId) => {
      const found = pool.get(keyText(shortId));
      return found !== undefined && isKnown(node, found.hash) ? found : undefined;
    },
    send: (from, to, packet) => {
      network.send(from, to, packet, packet.sizeBytes);
    },
    observe: (_node, event, height) => {
      stage.observe(event, height);
    },
  };
}

/** When what happened. */
class Stopwatch {
  readonly finals = new Map<number, number>();
  readonly #nowUs: () => number;
  readonly #building = new Map<number, number>();
  readonly #proposing = new Map<number, number>();
  readonly #final: { readonly height: number; readonly atUs: number }[] = [];
  #extraRounds = 0;
  #resends = 0;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  observe(event: 'building' | 'proposing' | 'final' | 'resend', height: number): void {
    const nowUs = this.#nowUs();
    if (event === 'resend') this.#resends++;
    else if (event === 'final') {
      this.#final.push({ height, atUs: nowUs });
      this.finals.set(height, (this.finals.get(height) ?? 0) + 1);
    } else if (event === 'proposing') {
      if (!this.#proposing.has(height)) this.#proposing.set(height, nowUs);
    } else if (this.#building.has(height)) this.#extraRounds++;
    else this.#building.set(height, nowUs);
  }

  report(
    warmUp: number,
  ): Pick<WideAreaReport, 'fromOpeningMs' | 'fromProposalMs' | 'extraRounds' | 'resends'> {
    const counted = this.#final.filter(({ height }) => height > warmUp);
    const since = (starts: ReadonlyMap<number, number>): number[] =>
      counted.map(({ height, atUs }) => (atUs - (starts.get(height) ?? atUs)) / 1000);
    return {
      fromOpeningMs: since(this.#building),
      fromProposalMs: since(this.#proposing),
      extraRounds: this.#extraRounds,
      resends: this.#resends,
    };
  }
}

/** Of live objects, where the collector can be called. */
function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
