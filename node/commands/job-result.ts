import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { readModelFolder } from '../../compute/import/model-folder.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { toHex, type Hex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import type { AskNode } from '../../rpc/jobs/answers.js';
import { fetchResult, type JobResult } from '../../rpc/jobs/result.js';
import { fileError, readingFiles } from '../client/errors.js';
import { outputFile } from '../models/job-data.js';
import { byteBar, talk } from './blob-options.js';
import { examples, formatRows, print, type CommandContext } from './command-context.js';
import { jobArgument } from './job-progress.js';
import { clientOf, onlineOptions, type OnlineOptions } from './online-options.js';

interface ResultOptions extends OnlineOptions {
  readonly out: string;
  readonly model?: string;
}

/** `ogpu job result`. */
export function resultCommand(context: CommandContext): Command {
  return onlineOptions(new Command('result'))
    .description('have the output of a settled job, held against what validators have accepted')
    .addArgument(jobArgument())
    .requiredOption(
      '--out <file>',
      'PNG of a job of pictures, .npy of the first output, or .bin of the machine’s bytes',
    )
    .option('--model <folder>', 'that `ogpu model import` wrote; a .npy needs it')
    .addHelpText(
      'after',
      examples(
        [
          'ogpu job result 0x4e3a… --out large.png',
          'exit code 1 where a single byte is not what was accepted',
        ],
        ['ogpu job result 0x4e3a… --out scores.npy --model digits', 'numbers as the model means them'],
      ),
    )
    .action((id: string, options: ResultOptions) => result(context, id.toLowerCase() as Hex, options));
}

async function result(context: CommandContext, id: Hex, options: ResultOptions): Promise<void> {
  const stored = options.model === undefined ? undefined : await readingFiles(readModelFolder(options.model));
  const rpc = clientOf(options);
  const ask: AskNode = (method, params, schema) => rpc.call(method, params, schema);
  const progress = byteBar('receiving', 0, options);
  const found = await talk(options, (node) =>
    fetchResult(ask, id, node, {
      program: stored?.program,
      onProgress: (received, total) => {
        progress.update(received, total);
      },
    }),
  ).finally(() => {
    progress.stop();
  });
  const file = outputFile(options.out, found.plan, found.output, stored?.manifest);
  await writeFile(options.out, file).catch((cause: unknown) => {
    throw fileError(options.out, cause);
  });
  await print(context, options, reportOf(found, options.out, file), describe(found, options.out, file));
}

function reportOf(found: JobResult, out: string, file: Uint8Array): Readonly<Record<string, unknown>> {
  const { job, attempt, provider, outputRoot, outputId, plan, output } = found;
  return {
    ...{ job, attempt, provider, priceWei: found.priceWei.toString(), source: toHex(plan.program.hash) },
    ...{ outputRoot, outputId, outputBytes: output.length, verified: true },
    ...{ out, bytes: file.length, sha256: toHex(sha256(file)) },
  };
}

function describe(
  { provider, priceWei, outputRoot, output }: JobResult,
  out: string,
  file: Uint8Array,
): string {
  const rows = formatRows([
    ['made by', `${provider}, for ${formatOgpu(priceWei)} OGPU`],
    ['output root', outputRoot],
    ['verified', `${output.length} bytes are what validators have accepted`],
  ]);
  return `${out}: ${file.length} bytes\n${rows}`;
}
