import type { GossipsubOpts } from '@libp2p/gossipsub';
import { MAX_FINAL_BLOCK_BYTES } from '../chain-requests.js';
import type { Rate } from '../token-bucket.js';
import type { JudgingLimits } from './judging.js';
import type { CacheLimits } from './message-cache.js';

/*
 * Every number of gossip. Reasons that need more than a line: docs/p2p.md.
 */

/** What one stream may carry. */
export interface StreamLimits {
  readonly maxRpcBytes: number;
  readonly bytes: Rate;
  /** RPCs, and messages, subscriptions and control blocks in them. */
  readonly items: Rate;
  /** What waits for a peer that does not read; beyond it, its stream ends. */
  readonly maxQueuedBytes: number;
}

const MiB = 1024 * 1024;

/** A batch and what else an RPC may bring, several times over. */
const MAX_RPC_BYTES = MiB;

/** Forty nodes that take transactions from clients, with 25 batches a second each, and as much control, twice over. */
const ITEMS: Rate = { perSecond: 8192, burst: 16_384 };

export const TRANSACTION_STREAM: StreamLimits = {
  maxRpcBytes: MAX_RPC_BYTES,
  // Some twenty thousand transfers a second.
  bytes: { perSecond: 4 * MiB, burst: 8 * MiB },
  items: ITEMS,
  maxQueuedBytes: 4 * MiB,
};

/** Of nodes that follow finalized blocks. */
export const BLOCK_STREAM: StreamLimits = {
  maxRpcBytes: MAX_FINAL_BLOCK_BYTES + MAX_RPC_BYTES,
  // Two of the largest blocks a second.
  bytes: { perSecond: 2 * (MAX_FINAL_BLOCK_BYTES + MAX_RPC_BYTES), burst: 4 * MAX_FINAL_BLOCK_BYTES },
  items: ITEMS,
  maxQueuedBytes: MAX_FINAL_BLOCK_BYTES + MAX_RPC_BYTES,
};

export const TRANSACTION_JUDGING: JudgingLimits = { maxRunning: 8, maxWaiting: 256, maxWaitingOfPeer: 64 };
export const BLOCK_JUDGING: JudgingLimits = { maxRunning: 2, maxWaiting: 4, maxWaitingOfPeer: 2 };

/** A batch leaves at most this often. */
export const BATCH_INTERVAL_MS = 40;

export const HEARTBEAT_MS = 1000;
/** Heartbeats for which messages are kept, and for which others are told of them. */
export const KEPT_HEARTBEATS = 5;
export const TOLD_HEARTBEATS = 3;

/** Names in one RPC of those peers are told of, or ask for. */
const MAX_NAMES = 512;

export const CACHE_LIMITS: CacheLimits = {
  maxBytes: 64 * MiB,
  maxCount: 8192,
  maxGivenBytes: MAX_RPC_BYTES / 2,
  maxGivenCount: 64,
  maxToldIds: MAX_NAMES,
};

/** What a protobuf may hold; more is no RPC of this network. */
export const DECODE_LIMITS: NonNullable<GossipsubOpts['decodeRpcLimits']> = {
  maxSubscriptions: 4,
  maxMessages: CACHE_LIMITS.maxGivenCount,
  // One of a kind for each topic, and what had to be said again.
  maxControlMessages: 4,
  maxIhaveMessageIDs: MAX_NAMES,
  maxIwantMessageIDs: 2 * MAX_NAMES,
  maxIdontwantMessageIDs: 8,
  // Nobody is introduced by gossip.
  maxPeerInfos: 0,
};

/** A counter that halves in so many seconds loses this share in one. */
const halvingIn = (seconds: number): number => 0.5 ** (1 / seconds);

const TOPIC_SCORE = {
  topicWeight: 1,
  // Three points for five minutes: between strangers, who stayed is kept.
  ...{ timeInMeshWeight: 0.01, timeInMeshQuantum: 1000, timeInMeshCap: 300 },
  // Five points for fifty news within a minute or so.
  ...{
    firstMessageDeliveriesWeight: 0.1,
    firstMessageDeliveriesDecay: halvingIn(60),
    firstMessageDeliveriesCap: 50,
  },
  // Who is told that a message is not wanted does not send it: to count what was not sent would punish that.
  ...{ meshMessageDeliveriesWeight: 0, meshFailurePenaltyWeight: 0 },
  ...{ meshMessageDeliveriesThreshold: 1, meshMessageDeliveriesCap: 1, meshMessageDeliveriesDecay: 0.5 },
  ...{ meshMessageDeliveriesWindow: 0, meshMessageDeliveriesActivation: 1000, meshFailurePenaltyDecay: 0.5 },
  // One lie and out of the mesh, two and it is told nothing, three and it is not heard.
  ...{ invalidMessageDeliveriesWeight: -10, invalidMessageDeliveriesDecay: halvingIn(600) },
} as const;

/** @param conductPoints faults of a peer, whatever they were about */
export function scoring(
  topics: readonly string[],
  conductPoints: (peer: string) => number,
): Pick<GossipsubOpts, 'scoreParams' | 'scoreThresholds'> {
  return {
    scoreParams: {
      topics: Object.fromEntries(topics.map((topic) => [topic, TOPIC_SCORE])),
      // Merit never outweighs a lie.
      topicScoreCap: 9,
      appSpecificScore: (peer) => -conductPoints(peer),
      appSpecificWeight: 1,
      // Validators of one machine share an address; strangers of one address are counted at the gate.
      IPColocationFactorWeight: 0,
      // Two connections that ended at a bad moment make a few of these; the seventh in a minute is a habit.
      ...{ behaviourPenaltyWeight: -5, behaviourPenaltyThreshold: 4, behaviourPenaltyDecay: halvingIn(60) },
      ...{ decayInterval: 1000, decayToZero: 0.01 },
      // Faults are remembered in `conduct.ts`, with a bound on how many.
      retainScore: 60_000,
    },
    scoreThresholds: {
      ...{ gossipThreshold: -20, publishThreshold: -40, graylistThreshold: -80 },
      acceptPXThreshold: Number.MAX_SAFE_INTEGER,
      opportunisticGraftThreshold: 1,
    },
  };
}

/** The mesh: who sends each other whole messages. Up to seven peers it holds everybody, at once and not at the next heartbeat. */
export const MESH = { D: 8, Dlo: 7, Dhi: 12, Dscore: 4, Dout: 2, Dlazy: 6 } as const;
