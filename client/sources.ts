import { encodeFunctionData, type Client, type Hash, type TransactionReceipt } from 'viem';
import { bytesEqual, fromHex, toHex } from '../protocol/bytes.js';
import { openProgram } from '../protocol/graph/check.js';
import { decodeGraph } from '../protocol/graph/encode.js';
import { uploadBlob, type BlobNode } from '../rpc/blobs/transfer.js';
import { Rules } from '../rpc/jobs/answers.js';
import { JobError } from '../rpc/jobs/errors.js';
import { sourceOpened, type OpeningOptions } from '../rpc/jobs/opening.js';
import { sourceStanding } from '../rpc/jobs/prepare.js';
import { sourceBondWei } from '../state/sources/source.js';
import { askOf } from './asking.js';
import { modules } from './modules.js';
import { sendCall, type Wallet } from './sending.js';

/** A program with its weights. */
export interface NewSource {
  /** The encoded graph. */
  readonly program: Uint8Array;
  /** The file that it names; in a browser also as the user has chosen it. */
  readonly weights: Uint8Array | Blob;
}

export interface RegisteredSource {
  /** The hash of the program. */
  readonly id: Hash;
  /** Undefined where the program was registered already. */
  readonly receipt: TransactionReceipt | undefined;
}

/**
 * Brings the weights to a node, then registers the program with the bond that the chain asks for, and waits until that is final. Validators
 * open it when they have fetched and proved it: see `waitForSource`.
 *
 * @throws SszError, GraphError for what is no program; JobError WEIGHTS_MISMATCH | CALL_REFUSED | CALL_UNDONE; BlobTransferError; what viem throws
 */
export async function registerSource(
  wallet: Wallet,
  { program: bytes, weights }: NewSource,
  node: BlobNode,
): Promise<RegisteredSource> {
  const { graph, hash } = openProgram(decodeGraph(bytes));
  const uploaded = await uploadBlob(node, weights);
  if (!bytesEqual(fromHex(uploaded.id), graph.weightsHash)) {
    const data = { weights: toHex(graph.weightsHash), received: uploaded.id };
    throw new JobError('WEIGHTS_MISMATCH', 'not the weights that the program names', data);
  }
  const ask = askOf(wallet);
  const id = toHex(hash);
  const standing = await sourceStanding(ask, hash);
  if (standing !== undefined && standing.status !== 'retired') return { id, receipt: undefined };
  const { sources } = await ask('ogpu_params', [], Rules);
  const { address, abi } = modules.sources;
  const data = encodeFunctionData({ abi, functionName: 'register', args: [toHex(bytes)] });
  const value = sourceBondWei({ sources }, bytes.length);
  return { id, receipt: await sendCall(wallet, { to: address, data, value }) };
}

/**
 * Waits until a program takes jobs.
 *
 * @throws JobError SOURCE_UNKNOWN | SOURCE_RETIRED at once, SOURCE_NOT_OPEN after `timeoutMs`; what viem throws
 */
export async function waitForSource(client: Client, id: Hash, options?: OpeningOptions): Promise<void> {
  await sourceOpened(askOf(client), fromHex(id, 32), options);
}
