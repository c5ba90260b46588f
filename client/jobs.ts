import {
  encodeFunctionData,
  type Account,
  type Chain,
  type Client,
  type Hash,
  type Hex,
  type TransactionReceipt,
} from 'viem';
import { fromHex, toHex } from '../protocol/bytes.js';
import { openProgram } from '../protocol/graph/check.js';
import { decodeGraph } from '../protocol/graph/encode.js';
import { uploadBlob, type BlobNode } from '../rpc/blobs/transfer.js';
import { ChainTime, Rules } from '../rpc/jobs/answers.js';
import {
  checkSource,
  findPosted,
  prepareTerms,
  type JobRequest,
  type PreparedJob,
} from '../rpc/jobs/prepare.js';
import { fetchResult, type JobResult, type ResultOptions } from '../rpc/jobs/result.js';
import { hasJobEnded, watchChanges, type WatchOptions } from '../rpc/jobs/watch.js';
import type { OgpuResults } from '../rpc/results.js';
import { jobIdOf } from '../state/jobs/job.js';
import { ogpuActions } from './actions.js';
import { askOf } from './asking.js';
import { modules } from './modules.js';
import { sendCall, type Wallet } from './sending.js';

export interface NewJob extends JobRequest {
  /** The encoded graph, as it is registered. */
  readonly program: Uint8Array;
  /** For how long somebody can take it, from the last block or now; an hour unless told otherwise. */
  readonly lifeMs?: number | undefined;
}

const HOUR_MS = 3_600_000;

/**
 * Computes all that a job is posted with: its plan, the ids of its input, its price and the least audit fee by the rules of now. Nothing is sent.
 *
 * @throws SszError, GraphError for what is no program; SegmentationError where it does not fit the input; JobError INPUT_OUT_OF_RANGE | NODE_ANSWER_INVALID
 */
export async function prepareJob(client: Client, job: NewJob): Promise<PreparedJob> {
  const { program, lifeMs = HOUR_MS, ...request } = job;
  const ask = askOf(client);
  const [rules, { block }] = await Promise.all([
    ask('ogpu_params', [], Rules),
    ask('ogpu_status', [], ChainTime),
  ]);
  const deadlineMs = Math.max(Date.now(), block.timeMs) + lifeMs;
  return prepareTerms(openProgram(decodeGraph(program)), rules, deadlineMs, request);
}

/** The id of the job that a client posts, or has posted, under a key. */
export function jobIdFor(chain: Pick<Chain, 'id'>, client: Pick<Account, 'address'>, key: Uint8Array): Hash {
  return toHex(jobIdOf(chain.id, fromHex(client.address, 20), key));
}

/** A job that is on the chain. */
export interface PostedJob {
  readonly id: Hash;
  /** Undefined where an earlier try has posted it already. */
  readonly receipt: TransactionReceipt | undefined;
}

/**
 * Brings the input to a node, then posts the job with its escrow, and waits until that is final. Doing it again with the same key after whatever
 * has happened posts nothing twice.
 *
 * @param node that takes the input, and hands it on to providers
 * @throws JobError SOURCE_UNKNOWN | SOURCE_NOT_OPEN | SOURCE_RETIRED | JOB_KEY_USED | CALL_REFUSED | CALL_UNDONE; BlobTransferError; what viem throws
 */
export async function postJob(
  wallet: Wallet,
  { terms, escrowWei, input }: PreparedJob,
  node: BlobNode,
): Promise<PostedJob> {
  const ask = askOf(wallet);
  const id = jobIdFor(wallet.chain, wallet.account, terms.key);
  if ((await findPosted(ask, id, terms)) !== undefined) return { id, receipt: undefined };
  await checkSource(ask, terms.source);
  await uploadBlob(node, input);
  const words = {
    ...{ source: toHex(terms.source), input: toHex(terms.input), inputId: toHex(terms.inputId) },
    ...{ key: toHex(terms.key), segmentation: toHex(terms.segmentation) },
  };
  const { address, abi } = modules.jobs;
  const data = encodeFunctionData({ abi, functionName: 'post', args: [{ ...terms, ...words }] });
  const receipt = await sendCall(wallet, { to: address, data, value: escrowWei });
  // Another try may have been faster, with something else: then this one has sent all of its money back.
  await findPosted(ask, id, terms);
  return { id, receipt };
}

/** Where a job is, why, and what happens next. */
export type Explanation = OgpuResults['ogpu_explainJob'];

/**
 * Where a job is, whenever that has changed, until it has ended: the last one yielded is how.
 *
 * @throws JobError JOB_NOT_ENDED after `timeoutMs`; the reason of `signal`; what viem throws where the node refuses, or stays away
 */
export function watchJob(
  client: Client,
  id: Hash,
  options: WatchOptions = {},
): AsyncGenerator<Explanation, void> {
  const actions = ogpuActions(client);
  return watchChanges(() => actions.explainJob(id), hasJobEnded, options);
}

/**
 * The output of a settled job, held against what validators have accepted.
 *
 * @param client of a node that is trusted to tell what the chain says
 * @param node that has the output; it need not be trusted
 * @throws JobError JOB_UNKNOWN | JOB_FORGOTTEN | JOB_NOT_SETTLED | RESULT_MISMATCH | RESULT_TOO_LARGE; BlobTransferError; what viem throws
 */
export function jobResult(
  client: Client,
  id: Hex,
  node: BlobNode,
  options?: ResultOptions,
): Promise<JobResult> {
  return fetchResult(askOf(client), id, node, options);
}
