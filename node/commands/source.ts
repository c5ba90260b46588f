import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { readModelFolder, type StoredModel } from '../../compute/import/model-folder.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { fromHex, toHex } from '../../protocol/bytes.js';
import { encodeGraph } from '../../protocol/graph/encode.js';
import { uploadBlob } from '../../rpc/blobs/transfer.js';
import { Rules, type AskNode } from '../../rpc/jobs/answers.js';
import { sourceOpened } from '../../rpc/jobs/opening.js';
import { sourceStanding } from '../../rpc/jobs/prepare.js';
import { sourceBondWei } from '../../state/sources/source.js';
import { SourceAnswer, SourcePage } from '../client/answers.js';
import { readingFiles } from '../client/errors.js';
import { allPages } from '../client/pages.js';
import type { RpcClient } from '../client/rpc-client.js';
import { sourcesIntent, transact } from '../client/transact.js';
import { showProgress } from '../progress.js';
import { byteBar, talk, tokenOption, type TokenOption } from './blob-options.js';
import {
  examples,
  formatRows,
  formatTable,
  integerBetween,
  print,
  PROCESS_CONTEXT,
  type CommandContext,
} from './command-context.js';
import {
  clientOf,
  describeSent,
  onlineOptions,
  sendAndPrint,
  walletOf,
  walletOptions,
  type OnlineOptions,
  type WalletCommandOptions,
} from './online-options.js';

/** The `source` group of the command line: programs that jobs run. */
export function sourceCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('source')
    .description('register models as programs that jobs run, and see who can run them')
    .addCommand(registerCommand(context))
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(reviewCommand(context))
    .addCommand(retireCommand(context))
    .addHelpText('after', GROUP_HELP);
}

interface RegisterOptions extends WalletCommandOptions, TokenOption {
  /** Seconds. */
  readonly openWait: number;
}

function registerCommand(context: CommandContext): Command {
  const command = new Command('register')
    .description('bring the weights of a model to a node, register its program, wait until it takes jobs')
    .argument('<folder>', 'that `ogpu model import` wrote')
    .option(
      '--open-wait <seconds>',
      'for validators to open it; 0 does not wait',
      integerBetween(0, 86_400),
      600,
    );
  return tokenOption(walletOptions(command))
    .addHelpText(
      'after',
      examples(['ogpu source register x2', 'the bond comes back after `ogpu source retire`']),
    )
    .action((folder: string, options: RegisterOptions) => register(context, folder, options));
}

async function register(context: CommandContext, folder: string, options: RegisterOptions): Promise<void> {
  const stored = await readingFiles(readModelFolder(folder));
  const { hash, graph } = stored.program;
  const source = toHex(hash);
  await bringWeights(folder, stored, options);
  const rpc = clientOf(options);
  const ask: AskNode = (method, params, schema) => rpc.call(method, params, schema);
  const before = await sourceStanding(ask, hash);
  const isNew = before === undefined || before.status === 'retired';
  let sent: ReturnType<typeof describeSent> | undefined;
  if (isNew) {
    const wallet = await walletOf(context, options);
    const { sources } = await ask('ogpu_params', [], Rules);
    const bytes = encodeGraph(graph);
    const intent = sourcesIntent('register', [bytes], sourceBondWei({ sources }, bytes.length));
    sent = describeSent(wallet, await transact(rpc, wallet, intent, options.wait * 1000));
  }
  if (options.openWait > 0 && (!isNew || options.wait > 0)) await waitOpen(ask, hash, options);
  const found = await sourceOf(rpc, source, isNew && options.wait === 0);
  const report = { source, isNew, ...sent?.report, takesJobs: found?.takesJobs ?? false };
  const done = isNew ? `${source} registered` : `${source} was registered already`;
  const rows = found === undefined ? '' : describeSource(found);
  await print(context, options, report, `${done}\n${sent?.text ?? ''}${rows}`);
}

async function bringWeights(
  folder: string,
  { weights }: StoredModel,
  options: RegisterOptions,
): Promise<void> {
  const progress = byteBar('weights', weights.length, options);
  try {
    const file = await openAsBlob(join(folder, 'weights.bin'));
    await talk(options, (node) => uploadBlob(node, file, (sent) => progress.update(sent)));
  } finally {
    progress.stop();
  }
}

async function waitOpen(ask: AskNode, source: Uint8Array, options: RegisterOptions): Promise<void> {
  const progress = showProgress({
    label: 'validators that can run it',
    total: 100,
    unit: '% of their power',
    isSilent: options.json,
  });
  try {
    await sourceOpened(ask, source, {
      timeoutMs: options.openWait * 1000,
      onChange: ({ capablePower, totalPower }) => {
        progress.update(Math.floor((100 * capablePower) / Math.max(totalPower, 1)));
      },
    });
  } finally {
    progress.stop();
  }
}

function sourceOf(rpc: RpcClient, id: string, mayBeMissing: boolean): Promise<SourceAnswer | undefined> {
  const found = rpc.call('ogpu_source', [id], SourceAnswer);
  return mayBeMissing ? found.catch(() => undefined) : found;
}

function listCommand(context: CommandContext): Command {
  return onlineOptions(new Command('list'))
    .description('list registered programs, and which of them take jobs')
    .addHelpText('after', examples(['ogpu source list --json', 'all of it, for scripts']))
    .action(async (options: OnlineOptions) => {
      const rpc = clientOf(options);
      const found = await allPages(async (page) => {
        const answer = await rpc.call('ogpu_sources', [page], SourcePage);
        return { items: answer.sources, next: answer.next };
      });
      const table = formatTable(
        ['source', 'status', 'segments', 'open jobs', 'can run it'],
        found.map((source) => [
          source.id,
          statusOf(source),
          source.kind,
          String(source.openJobs),
          shareOf(source),
        ]),
      );
      const text = found.length === 0 ? 'no sources\n' : table;
      await print(context, options, { sources: found.map(sourceJson) }, text);
    });
}

function showCommand(context: CommandContext): Command {
  return onlineOptions(new Command('show'))
    .description('show a registered program: whether it takes jobs, who can run it, its bond')
    .addArgument(sourceArgument())
    .addHelpText('after', examples(['ogpu source show 0x91c4…', 'nothing has to be signed to look at one']))
    .action(async (id: string, options: OnlineOptions) => {
      const found = await clientOf(options).call('ogpu_source', [id], SourceAnswer);
      await print(context, options, sourceJson(found), describeSource(found));
    });
}

function reviewCommand(context: CommandContext): Command {
  return walletOptions(new Command('review'))
    .description(
      'open or close a program as the present validators say; the chain does it by itself once an epoch',
    )
    .addArgument(sourceArgument())
    .action((id: string, options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `${id} reviewed`,
        intent: sourcesIntent('review', [fromHex(id)]),
      })),
    );
}

function retireCommand(context: CommandContext): Command {
  return walletOptions(new Command('retire'))
    .description('have a program of yours take no more jobs; its bond returns some time after the last one')
    .addArgument(sourceArgument())
    .addHelpText(
      'after',
      examples(['ogpu source retire 0x91c4…', 'for ever, unless somebody registers it anew']),
    )
    .action((id: string, options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `${id} takes no more jobs`,
        intent: sourcesIntent('retire', [fromHex(id)]),
      })),
    );
}

function describeSource(source: SourceAnswer): string {
  return formatRows([
    ['source', source.id],
    ['status', statusOf(source)],
    ['segments', source.kind === 'chain' ? 'steps of a chain' : 'independent items'],
    ['can run it', `${shareOf(source)} of the validators' power`],
    ['weights', source.weightsHash],
    ['open jobs', String(source.openJobs)],
    ['owner', source.owner],
    ['bond', `${formatOgpu(source.bondWei)} OGPU`],
  ]);
}

function statusOf({ status, takesJobs }: SourceAnswer): string {
  if (status !== 'open') return status === 'waiting' ? 'waits for validators' : status;
  return takesJobs ? 'takes jobs' : 'about to close';
}

function shareOf({ capablePower, totalPower }: SourceAnswer): string {
  return `${Math.floor((100 * capablePower) / Math.max(totalPower, 1))} %`;
}

function sourceJson({ bondWei, ...source }: SourceAnswer): unknown {
  return { ...source, bondWei: bondWei.toString() };
}

function sourceArgument(): Argument {
  return new Argument('<source>', 'hash of its program: 0x and 64 hex digits').argParser((text: string) => {
    if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text.toLowerCase();
    throw new InvalidArgumentError('expected 0x and 64 hex digits.');
  });
}

const GROUP_HELP = `
A program takes jobs once validators with three quarters of the power have fetched its weights, proved that nothing overflows, and
said so with their votes. Its bond pays for its place in the state, and nothing is taken from it.
`;
