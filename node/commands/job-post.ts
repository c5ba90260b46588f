import { Command, Option } from 'commander';
import { readModelFolder, type StoredModel } from '../../compute/import/model-folder.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { toHex, type Hex } from '../../protocol/bytes.js';
import { MAX_FULL_AUDIT_SEGMENTS } from '../../protocol/limits.js';
import { uploadBlob } from '../../rpc/blobs/transfer.js';
import { ChainTime, Rules, type AskNode } from '../../rpc/jobs/answers.js';
import { checkSource, findPosted, jobKeyOf, prepareTerms, type PreparedJob } from '../../rpc/jobs/prepare.js';
import { termsValue } from '../../rpc/jobs/terms.js';
import { jobIdOf } from '../../state/jobs/job.js';
import { readingFiles } from '../client/errors.js';
import { jobsIntent, transact } from '../client/transact.js';
import type { Wallet } from '../client/wallet.js';
import { readJobInput } from '../models/job-data.js';
import { byteBar, talk, tokenOption, type TokenOption } from './blob-options.js';
import { examples, formatRows, integerBetween, print, type CommandContext } from './command-context.js';
import { awaitEnd, describeExplanation, explanationReport, notSettled } from './job-progress.js';
import {
  clientOf,
  describeSent,
  parseOgpu,
  walletOf,
  walletOptions,
  type Sent,
  type WalletCommandOptions,
} from './online-options.js';

interface PostOptions extends WalletCommandOptions, TokenOption {
  readonly model: string;
  readonly input: readonly string[];
  readonly price?: bigint;
  readonly value?: bigint;
  readonly sampled?: number;
  readonly full: boolean;
  /** Seconds. */
  readonly deadline: number;
  readonly tileMargin?: number;
  readonly key?: Uint8Array;
  readonly watch: boolean;
}

const YEAR_S = 365 * 24 * 3_600;

/** `ogpu job post`. */
export function postCommand(context: CommandContext): Command {
  const command = new Command('post')
    .description(
      'have a model run on an input: brings the input to a node, then posts the job with its escrow',
    )
    .requiredOption('--model <folder>', 'that `ogpu model import` wrote; registered: `ogpu source register`')
    .requiredOption(
      '--input <file...>',
      'a PNG or JPEG, a .npy for each input, or a .bin of the machine’s bytes',
    )
    .option(
      '--price <OGPU>',
      'the most that is paid to a provider; what verifiers get for the same work unless given',
      parseOgpu,
    )
    .option(
      '--value <OGPU>',
      'what a wrong result could be worth to a cheat; the price unless given',
      parseOgpu,
    )
    .option(
      '--sampled <number>',
      'segments that are judged; as many as the chain asks for unless given',
      integerBetween(1, MAX_FULL_AUDIT_SEGMENTS),
    )
    .option('--full', 'have every segment judged', false)
    .option(
      '--deadline <seconds>',
      'from now, until somebody has to have taken it',
      integerBetween(1, YEAR_S),
      3_600,
    )
    .option(
      '--tile-margin <pixels>',
      'that tiles of a picture overlap; what the model needs unless given',
      integerBetween(0, 4_096),
    )
    .addOption(
      new Option(
        '--key <key>',
        'the same key is the same job, whatever happens: 32 bytes in hex, or any text (random unless given)',
      ).argParser(jobKeyOf),
    )
    .option('--watch', 'wait until the job has ended; exit code 1 if it was not settled', false);
  return tokenOption(walletOptions(command))
    .addHelpText('after', HELP)
    .action((options: PostOptions) => post(context, options));
}

/** A job that is on the chain, or on its way. */
interface Posted {
  readonly id: Hex;
  readonly key: Hex;
  readonly prepared: PreparedJob;
  /** Undefined where an earlier try has posted it. */
  readonly sent: Sent | undefined;
}

async function post(context: CommandContext, options: PostOptions): Promise<void> {
  const stored = await readingFiles(readModelFolder(options.model));
  const rpc = clientOf(options);
  const ask: AskNode = (method, params, schema) => rpc.call(method, params, schema);
  const { prepared, chainId } = await prepare(ask, stored, options);
  const wallet = await walletOf(context, options);
  const { terms, escrowWei, input } = prepared;
  const id = toHex(jobIdOf(chainId, wallet.address, terms.key));
  const isKnown = (await findPosted(ask, id, terms)) !== undefined;
  let sent: Sent | undefined;
  if (!isKnown) {
    await checkSource(ask, terms.source);
    await bring(options, input);
    const intent = jobsIntent('post', [termsValue(terms)], escrowWei);
    const waitS = options.watch ? Math.max(options.wait, LEAST_WAIT_S) : options.wait;
    sent = await transact(rpc, wallet, intent, waitS * 1000);
    // Another try may have been faster, with something else.
    if (waitS > 0) await findPosted(ask, id, terms);
  }
  const posted = { id, key: toHex(terms.key), prepared, sent };
  if (!options.watch) {
    await print(context, options, reportOf(wallet, posted), describe(wallet, posted));
    return;
  }
  if (!options.json) await context.write(describe(wallet, posted));
  const ended = await awaitEnd(rpc, id, options, options.deadline + WATCHED_BEYOND_S);
  await print(
    context,
    options,
    { ...reportOf(wallet, posted), ended: explanationReport(ended) },
    describeExplanation(ended),
  );
  if (ended.phase !== 'SETTLED') throw notSettled(id);
}

/** What is watched has to be on the chain first. */
const LEAST_WAIT_S = 30;
/** An attempt that began before the deadline may end after it. */
const WATCHED_BEYOND_S = 24 * 3_600;

async function prepare(
  ask: AskNode,
  stored: StoredModel,
  options: PostOptions,
): Promise<{ readonly prepared: PreparedJob; readonly chainId: number }> {
  const { input: paths, tileMargin, price, value, sampled, full, key, deadline } = options;
  const made = await readingFiles(readJobInput(stored, paths, tileMargin));
  const [rules, { chainId, block }] = await Promise.all([
    ask('ogpu_params', [], Rules),
    ask('ogpu_status', [], ChainTime),
  ]);
  const deadlineMs = Math.max(Date.now(), block.timeMs) + deadline * 1000;
  const request = { ...made, priceWei: price, valueWei: value, sampled, full, key };
  return { prepared: prepareTerms(stored.program, rules, deadlineMs, request), chainId };
}

async function bring(options: PostOptions, input: Uint8Array): Promise<void> {
  const progress = byteBar('sending', input.length, options);
  try {
    await talk(options, (node) => uploadBlob(node, input, (sent) => progress.update(sent)));
  } finally {
    progress.stop();
  }
}

/** Of a job that was posted before, what it was posted for is not told again: the terms of now may be others. */
function reportOf(wallet: Wallet, { id, key, prepared, sent }: Posted): Readonly<Record<string, unknown>> {
  const { terms, escrowWei, plan } = prepared;
  const isNew = sent !== undefined;
  const named = {
    ...{ job: id, key, isNew },
    ...{ source: toHex(terms.source), input: toHex(terms.input), inputId: toHex(terms.inputId) },
    ...{ segmentation: plan.segmentation, segments: terms.segments },
  };
  if (!isNew) return named;
  return {
    ...named,
    full: terms.full,
    priceWei: terms.maxPriceWei.toString(),
    auditFeeWei: terms.auditFeeWei.toString(),
    ...{ valueWei: terms.valueWei.toString(), escrowWei: escrowWei.toString() },
    deadlineMs: Number(terms.deadlineMs),
    ...describeSent(wallet, sent).report,
  };
}

function describe(wallet: Wallet, { id, key, prepared, sent }: Posted): string {
  if (sent === undefined) return `${id}\nwas posted already under this key\n`;
  const { terms, escrowWei } = prepared;
  const amounts = `${formatOgpu(terms.maxPriceWei)} at most to the provider, ${formatOgpu(terms.auditFeeWei)} to verifiers`;
  const rows = formatRows([
    ['segments', String(terms.segments)],
    ['escrow', `${formatOgpu(escrowWei)} OGPU: ${amounts}`],
    ['deadline', new Date(Number(terms.deadlineMs)).toISOString()],
    ['key', key],
  ]);
  return `${id}\n${rows}${describeSent(wallet, sent).text}`;
}

const HELP = `${examples(
  [
    'ogpu job post --model x2 --input cat.png --price 2 --watch',
    'a picture, tile by tile; then `ogpu job result`',
  ],
  [
    'ogpu job post --model digits --input digits.npy --key batch-17',
    'many items at once; a second try posts nothing twice',
  ],
)}
Price and audit fee are in escrow, and whatever is not paid out comes back by itself: docs/jobs.md.
`;
