import { constants, openAsBlob } from 'node:fs';
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { toHex, type Hex } from '../../protocol/bytes.js';
import { BLOB_CHUNK_BYTES } from '../../protocol/limits.js';
import {
  BlobHasher,
  BlobTransferError,
  downloadBlob,
  orderBlobs,
  uploadBlob,
  type BlobNode,
} from '../../rpc/blobs/transfer.js';
import { ClientError, fileError } from '../client/errors.js';
import type { Progress } from '../progress.js';
import { byteBar, talk, tokenOption, type TokenOption } from './blob-options.js';
import {
  examples,
  formatRows,
  integerBetween,
  print,
  PROCESS_CONTEXT,
  type CommandContext,
} from './command-context.js';
import { clientOf, onlineOptions, type OnlineOptions } from './online-options.js';

type BlobCommandOptions = OnlineOptions & TokenOption;

const Standing = z.object({
  id: z.string().max(66),
  state: z.enum(['whole', 'partial', 'absent']),
  lengthBytes: z.int().nullable(),
  chunks: z.int().nullable(),
  pins: z.object({ job: z.int(), source: z.int(), operator: z.int() }),
  usedMs: z.int().nullable(),
});

/** `ogpu blob`: what jobs compute with, to and from a node. */
export function blobCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('blob')
    .description('bring blobs to a node, have them from it, and see what it has')
    .addCommand(putCommand(context))
    .addCommand(getCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(pinCommand(context, 'pin', 'keep a blob, whatever else is dropped'))
    .addCommand(pinCommand(context, 'unpin', 'let a blob go with the others'))
    .addCommand(collectCommand(context));
}

function putCommand(context: CommandContext): Command {
  return tokenOption(onlineOptions(new Command('put')))
    .description('bring a file to a node, and print its id')
    .argument('<file>', 'the file')
    .addHelpText('after', examples(['ogpu blob put weights.bin --json', 'for scripts: id and length']))
    .action(async (file: string, options: BlobCommandOptions) => {
      const source = await fileAsBlob(file);
      const progress = byteBar('sending', source.size, options);
      try {
        const report = await talk(options, (node) =>
          uploadBlob(node, source, (sent) => {
            progress.update(sent);
          }),
        );
        const what = report.isNew ? 'stored' : 'was there already';
        await print(context, options, report, `${report.id}\n${report.lengthBytes} bytes, ${what}\n`);
      } finally {
        progress.stop();
      }
    });
}

function getCommand(context: CommandContext): Command {
  return tokenOption(onlineOptions(new Command('get')))
    .description('have a blob from a node, verified; one that was broken off goes on')
    .addArgument(idArgument())
    .requiredOption('-o, --output <file>', 'where to put it')
    .addHelpText(
      'after',
      examples(['ogpu blob get 0x4e3a… -o output.bin', 'bytes so far are in output.bin.part']),
    )
    .action(async (id: Hex, options: BlobCommandOptions & { readonly output: string }) => {
      const report = await talk(options, (node) => getFile(node, id, options));
      const text = `${report.lengthBytes} bytes in ${report.output}\n`;
      await print(context, options, report, text);
    });
}

function statusCommand(context: CommandContext): Command {
  return onlineOptions(new Command('status'))
    .description('ask a node what it has of a blob')
    .addArgument(idArgument())
    .action(async (id: Hex, options: OnlineOptions) => {
      const standing = await clientOf(options).call('ogpu_blob', [id], Standing);
      const { state, lengthBytes, chunks, pins } = standing;
      const rows = formatRows([
        ['blob', id],
        ['state', state],
        ['length', lengthBytes === null ? 'unknown' : `${lengthBytes} bytes in ${chunks ?? 0} chunks`],
        ['pinned by', `${pins.job} jobs, ${pins.source} sources${pins.operator > 0 ? ', the operator' : ''}`],
      ]);
      await print(context, options, standing, rows);
    });
}

function pinCommand(context: CommandContext, name: 'pin' | 'unpin', about: string): Command {
  return tokenOption(onlineOptions(new Command(name)))
    .description(`${about}; for the operator`)
    .addArgument(idArgument())
    .action(async (id: Hex, options: BlobCommandOptions) => {
      await order(options, `blobs/${id}/pin`, name === 'pin' ? 'PUT' : 'DELETE');
      await print(context, options, { id, pinned: name === 'pin' }, `${id} ${name}ned\n`);
    });
}

const Collected = z.object({ blobs: z.int(), bytes: z.int() });

function collectCommand(context: CommandContext): Command {
  return tokenOption(onlineOptions(new Command('gc')))
    .description('have a node drop what nobody has pinned and nobody uses; for the operator')
    .option('--idle <seconds>', 'for how long nobody has used it', integerBetween(0, 1e9), 3_600)
    .action(async (options: BlobCommandOptions & { readonly idle: number }) => {
      const answer = await order(options, `blobs?idleMs=${options.idle * 1000}`, 'DELETE');
      const report = Collected.parse(await answer.json());
      await print(context, options, report, `${report.blobs} blobs dropped, ${report.bytes} bytes\n`);
    });
}

interface GetReport {
  readonly id: Hex;
  readonly lengthBytes: number;
  /** Bytes that were there from an earlier try. */
  readonly resumedBytes: number;
  readonly output: string;
}

/**
 * Writes chunk after chunk beside the file, and gives it its name at the end. What is there from an earlier try is hashed with the rest, so
 * that the whole file is what was asked for.
 */
async function getFile(
  node: BlobNode,
  id: Hex,
  options: BlobCommandOptions & { readonly output: string },
): Promise<GetReport> {
  const { output } = options;
  const path = `${output}.part`;
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  const file = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600).catch((cause: unknown) => {
    throw fileError(path, cause);
  });
  let progress: Progress | undefined;
  try {
    // The last of those that are there may be half of one.
    const firstChunk = Math.max(0, Math.ceil((await file.stat()).size / BLOB_CHUNK_BYTES) - 1);
    const hasher = await hashStart(file, firstChunk);
    const resumedBytes = hasher.lengthBytes;
    const onLength = (lengthBytes: number): void => {
      progress = byteBar('receiving', lengthBytes, options);
    };
    for await (const chunk of downloadBlob(node, id, { firstChunk, onLength })) {
      await file.write(chunk, 0, chunk.length, hasher.lengthBytes);
      hasher.add(chunk);
      progress?.update(hasher.lengthBytes);
    }
    const { lengthBytes } = hasher;
    await file.truncate(lengthBytes);
    if (toHex(hasher.id()) !== id.toLowerCase()) await startOver(path);
    await file.sync();
    await rename(path, output);
    return { id, lengthBytes, resumedBytes, output };
  } catch (error) {
    if (error instanceof BlobTransferError && error.data['code'] === 'RPC_BLOB_RANGE') await startOver(path);
    throw error;
  } finally {
    progress?.stop();
    await file.close();
  }
}

async function hashStart(file: FileHandle, chunks: number): Promise<BlobHasher> {
  const hasher = new BlobHasher();
  const chunk = new Uint8Array(BLOB_CHUNK_BYTES);
  for (let index = 0; index < chunks; index++) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, index * BLOB_CHUNK_BYTES);
    hasher.add(chunk.subarray(0, bytesRead));
  }
  return hasher;
}

/** What an earlier try left is of something else. */
async function startOver(path: string): Promise<never> {
  await unlink(path);
  const cure = 'run the command again';
  throw new ClientError('BLOB_FILE_CHANGED', 'what was there from an earlier try is not of this blob', {
    path,
    cure,
  });
}

function idArgument(): Argument {
  return new Argument('<id>', '0x and 64 hex digits').argParser((text) => {
    if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text.toLowerCase();
    throw new InvalidArgumentError('expected 0x and 64 hex digits.');
  });
}

function order(options: BlobCommandOptions, path: string, method: 'PUT' | 'DELETE'): Promise<Response> {
  return talk(options, (node) => orderBlobs(node, path, method));
}

/** Read when it is sent, not before. @throws ClientError FILE_UNUSABLE */
async function fileAsBlob(path: string): Promise<Blob> {
  try {
    return await openAsBlob(path);
  } catch (error) {
    throw fileError(path, error);
  }
}
