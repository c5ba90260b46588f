import type { Attempt } from '../../consensus/verification/attempt.js';
import type { Assignment, Market, MarketView } from '../../compute/provider/market.js';
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
import { Sender } from '../client/sender.js';
import { jobsIntent } from '../client/transact.js';
import type { Wallet } from '../client/wallet.js';

/** How long a transaction may take to become final before it is looked at again. */
const SEND_TIMEOUT_MS = 30_000;

const ZERO = new Uint8Array(32);

/** The chain as a node shows it to the account of a provider, and takes its transactions. */
export function rpcMarket(rpc: RpcClient, wallet: Wallet): Market {
  const address = toChecksumAddress(wallet.address);
  const sender = new Sender(rpc, wallet, SEND_TIMEOUT_MS);
  const act = async (name: string, ...values: readonly AbiValue[]): Promise<void> => {
    await sender.send(jobsIntent(name, values));
  };
  return {
    look: () => look(rpc, address),
    claim: (job, priceWei) => act('claim', job, priceWei),
    release: ({ job }) => act('release', job),
    commit: ({ job }, { root, keyCommitment, input }) =>
      act(
        'commit',
        job,
        root,
        keyCommitment,
        input?.stateId ?? ZERO,
        input?.salt ?? ZERO,
        input?.branch ?? [],
      ),
    unseal: ({ job }, { jobKey, outputRoot, outputId, answers, branches }) =>
      act('unseal', job, jobKey, outputRoot, outputId, answers, branches),
    publish: async ({ job }, pieces) => {
      for (const { item, data, salt, branch } of pieces)
        await unlessThere(act('publish', job, BigInt(item), data, salt, branch));
    },
  };
}

async function look(rpc: RpcClient, address: string): Promise<MarketView> {
  const { chainId, block } = await rpc.call('ogpu_status', [], Status);
  const { lockup } = await rpc.call('ogpu_provider', [address], ProviderAnswer);
  const offers = await allPages(async (page) => {
    const answer = await rpc.call('ogpu_jobOffers', [{ provider: address }, page], OfferPage);
    return { items: answer.offers, next: answer.next };
  });
  const assignments = await allPages(async (page) => {
    const answer = await rpc.call('ogpu_assignments', [address, page], AssignmentPage);
    return { items: answer.assignments, next: answer.next };
  });
  return {
    now: { timeMs: block.timeMs, height: block.height },
    freeLockupWei: lockup.freeWei,
    offers: offers.filter(({ isClaimable }) => isClaimable),
    claims: offers.flatMap(({ job, claim }) => (claim === null ? [] : [{ job, bondWei: claim.bondWei }])),
    assignments: assignments.map((answer) => assignmentOf(chainId, answer)),
  };
}

function assignmentOf(chainId: number, answer: AssignmentAnswer): Assignment {
  const { source, input, segmentation } = answer;
  return { source, input, segmentation, attempt: attemptOf(chainId, answer) };
}

function attemptOf(chainId: number, { terms, audit, offered, published }: AssignmentAnswer): Attempt {
  const { job, attempt, provider, priceWei, bondWei, escalation, publication, ...rest } = audit;
  return {
    ...rest,
    terms: { ...terms, chainId, job, attempt, provider, priceWei, bondWei },
    ...{ seats: [], reseats: 0, offered, published },
    ...(escalation === null ? {} : { escalation: { ...escalation, voices: [] } }),
    ...(publication === null ? {} : { publication: { ...publication, voices: [] } }),
  };
}

/** A piece that somebody has put on the chain already is not asked for any more. */
async function unlessThere(publishing: Promise<void>): Promise<void> {
  try {
    await publishing;
  } catch (error) {
    if (!(error instanceof ClientError) || error.data['error'] !== 'NotAsked') throw error;
  }
}
