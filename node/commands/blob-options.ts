import type { Command } from 'commander';
import type { BlobNode } from '../../rpc/blobs/transfer.js';
import { ClientError } from '../client/errors.js';
import { readSecretText } from '../keys/password.js';
import { showProgress, type Progress } from '../progress.js';
import type { OnlineOptions } from './online-options.js';

export interface TokenOption {
  readonly tokenFile?: string;
}

/** The option of a command that brings blobs to a node. */
export function tokenOption(command: Command): Command {
  return command.option(
    '--token-file <file>',
    'file with the token of the operator, for a node of another machine',
  );
}

export function byteBar(label: string, total: number, { json }: OnlineOptions): Progress {
  return showProgress({ label, total, unit: 'bytes', isSilent: json });
}

/** @throws ClientError RPC_UNREACHABLE; BlobTransferError */
export async function talk<Result>(
  { rpcUrl, tokenFile }: OnlineOptions & TokenOption,
  exchange: (node: BlobNode) => Promise<Result>,
): Promise<Result> {
  const token = tokenFile === undefined ? undefined : (await readSecretText(tokenFile)).trim();
  try {
    return await exchange({ url: rpcUrl, token });
  } catch (error) {
    // What fetch throws where there is no connection.
    if (!(error instanceof TypeError)) throw error;
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    const cure = 'start the node (`ogpu start`), or name another one with --rpc-url';
    throw new ClientError(
      'RPC_UNREACHABLE',
      `no node answers: ${reason}`,
      { url: rpcUrl, cure },
      { cause: error },
    );
  }
}
