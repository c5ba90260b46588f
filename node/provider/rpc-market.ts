import type { Attempt } from '../../consensus/verification/attempt.js';
import type { Assignment, Market, MarketView, Offer } from '../../compute/provider/market.js';
import type { Piece } from '../../compute/provider/pieces.js';
import { toChecksumAddress } from '../../protocol/address.js';
import type { AbiValue } from '../../protocol/abi/types.js';
import {
  AssignmentPage,
  OfferPage,
  ProviderAnswer,
  Status,
  type AssignmentAnswer,
} from '../client/answers.js';
import { ClientError } from '../client/errors.js';
import { allPages } from '../client/pages.js';
import type { RpcClient } from '../client/rpc-client.js';
import type { Sender } from '../client/sender.js';
import { jobsIntent } from '../client/transact.js';

/** Offers that are looked at. Of more, those that come first by their ids. */
const MAX_OFFERS = 4_096;

/** Attempts of one provider: more than its bonds allow. */
const MAX_ASSIGNMENTS = 4_096;

/** Pieces on their way at a time: a pool takes a mebibyte of one sender. */
const MAX_PUBLISHING = 6;

const ZERO = new Uint8Array(32);

/**
 * The chain as a node shows it to a provider, and takes its transactions.
 *
 * @param address that stands for the provider, and signs
 */
export function rpcMarket(rpc: RpcClient, sender: Sender, address: Uint8Array): Market {
  const name = toChecksumAddress(address);
  const act = async (called: string, ...values: readonly AbiValue[]): Promise<void> => {
    await sender.send(jobsIntent(called, values));
  };
  return {
    look: () => look(rpc, name),
    claim: (job, priceWei) => act('claim', job, priceWei),
    release: ({ job }) => act('release', job),
    commit: ({ job }, { root, keyCommitment, input }) => {
      const opened = [input?.stateId ?? ZERO, input?.salt ?? ZERO, input?.branch ?? []];
      return act('commit', job, root, keyCommitment, ...opened);
    },
    unseal: ({ job }, { jobKey, outputRoot, outputId, answers, branches }) =>
      act('unseal', job, jobKey, outputRoot, outputId, answers, branches),
    publish: ({ job }, pieces) =>
      eachOf(pieces, MAX_PUBLISHING, ({ item, data, salt, branch }) =>
        unlessThere(act('publish', job, BigInt(item), data, salt, branch)),
      ),
  };
}

/** What is drawn meanwhile is seen twice, as a claim and as an assignment, rather than not at all. */
async function look(rpc: RpcClient, address: string): Promise<MarketView> {
  const { chainId, block } = await rpc.call('ogpu_status', [], Status);
  const { lockup, mayClaim } = await rpc.call('ogpu_provider', [address], ProviderAnswer);
  const offers = await allPages(async (page) => {
    const answer = await rpc.call('ogpu_jobOffers', [{ provider: address }, page], OfferPage);
    return { items: answer.offers, next: answer.next };
  }, MAX_OFFERS);
  const assignments = await allPages(async (page) => {
    const answer = await rpc.call('ogpu_assignments', [address, page], AssignmentPage);
    return { items: answer.assignments, next: answer.next };
  }, MAX_ASSIGNMENTS);
  return {
    // A chain without work makes few blocks: what time it is the node says.
    now: { timeMs: block.timeMs + Math.max(0, block.ageMs), height: block.height },
    freeLockupWei: lockup.freeWei,
    offers: mayClaim ? offers.filter(({ isClaimable }) => isClaimable).map(offerOf) : [],
    claims: offers.flatMap(({ job, claim }) => (claim === null ? [] : [{ job, bondWei: claim.bondWei }])),
    assignments: assignments.map((answer) => assignmentOf(chainId, answer)),
  };
}

function offerOf({ isClaimable: _isClaimable, claim: _claim, ...offer }: OfferAnswer): Offer {
  return offer;
}

type OfferAnswer = Awaited<ReturnType<typeof OfferPage.parseAsync>>['offers'][number];

function assignmentOf(chainId: number, answer: AssignmentAnswer): Assignment {
  const { source, input, segmentation, publishedItems } = answer;
  return { source, input, segmentation, publishedItems, attempt: attemptOf(chainId, answer) };
}

function attemptOf(chainId: number, answer: AssignmentAnswer): Attempt {
  const { terms, audit, keyCommitment, jobKey, offered, published } = answer;
  const { job, attempt, provider, priceWei, bondWei } = audit;
  const { root, outputRoot, outputId, escalation, publication } = audit;
  const { phase, round, deadline, segments, uncovered, seatTarget } = audit;
  const isUnsealed = jobKey !== null && outputRoot !== null && outputId !== null;
  return {
    terms: { ...terms, chainId, job, attempt, provider, priceWei, bondWei },
    ...{ phase, round, deadline, segments, uncovered, seatTarget, seats: [], reseats: 0, offered, published },
    ...(root === null || keyCommitment === null ? {} : { commitment: { root, keyCommitment } }),
    ...(isUnsealed ? { unsealed: { jobKey, outputRoot, outputId, answers: audit.answers } } : {}),
    ...(escalation === null ? {} : { escalation: { ...escalation, voices: [] } }),
    ...(publication === null ? {} : { publication: { ...publication, voices: [] } }),
  };
}

/** Does the same with all of a list, a few at a time; the first failure ends it, once what was begun is over. */
async function eachOf(
  pieces: readonly Piece[],
  atOnce: number,
  run: (piece: Piece) => Promise<void>,
): Promise<void> {
  const waiting = pieces.values();
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (const piece of waiting) {
      if (failures.length > 0) return;
      await run(piece).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (failures.length > 0) throw failures[0];
}

/** A piece that stands on the chain already is not asked for any more. */
async function unlessThere(publishing: Promise<void>): Promise<void> {
  try {
    await publishing;
  } catch (error) {
    if (!(error instanceof ClientError) || error.data['error'] !== 'NotAsked') throw error;
  }
}
