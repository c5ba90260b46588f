import { Command, Option } from 'commander';
import { toChecksumAddress, type Address } from '../../protocol/address.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { fromHex } from '../../protocol/bytes.js';
import { JOB_PHASES } from '../../state/jobs/job.js';
import { AuditAnswer, JobAnswer, JobPage } from '../client/answers.js';
import { ClientError } from '../client/errors.js';
import { allPages } from '../client/pages.js';
import type { RpcClient } from '../client/rpc-client.js';
import { jobsIntent } from '../client/transact.js';
import {
  examples,
  formatRows,
  formatTable,
  integerBetween,
  print,
  PROCESS_CONTEXT,
  type CommandContext,
} from './command-context.js';
import { postCommand } from './job-post.js';
import {
  awaitEnd,
  describeExplanation,
  explanationReport,
  explain,
  jobArgument,
  notSettled,
} from './job-progress.js';
import { resultCommand } from './job-result.js';
import {
  clientOf,
  onlineOptions,
  parseAddressArgument,
  sendAndPrint,
  walletOptions,
  type OnlineOptions,
  type WalletCommandOptions,
} from './online-options.js';

/** The `job` group of the command line: what a client does with its jobs. */
export function jobCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('job')
    .description('post jobs, see where they are and how they are judged, have their results')
    .addCommand(postCommand(context))
    .addCommand(resultCommand(context))
    .addCommand(listCommand(context))
    .addCommand(explainCommand(context))
    .addCommand(watchCommand(context))
    .addCommand(auditCommand(context))
    .addCommand(cancelCommand(context))
    .addHelpText('after', GROUP_HELP);
}

interface ListOptions extends OnlineOptions {
  readonly client?: Address;
  readonly provider?: Address;
  readonly phase?: string;
}

function listCommand(context: CommandContext): Command {
  return onlineOptions(new Command('list'))
    .description('list jobs of a client, of a provider or in a phase; the open ones unless asked otherwise')
    .addOption(
      new Option('--client <address>', 'who has posted them')
        .argParser(parseAddressArgument)
        .conflicts(['provider', 'phase']),
    )
    .addOption(
      new Option('--provider <address>', 'master of a provider that has had them')
        .argParser(parseAddressArgument)
        .conflicts(['phase']),
    )
    .addOption(new Option('--phase <phase>', 'where they are').choices(JOB_PHASES))
    .addHelpText('after', examples(['ogpu job list --client 0xf39F…', 'also those that ended not long ago']))
    .action((options: ListOptions) => list(context, options));
}

async function list(context: CommandContext, options: ListOptions): Promise<void> {
  const { client, provider, phase } = options;
  const filter = {
    ...(client === undefined ? {} : { client: toChecksumAddress(client) }),
    ...(provider === undefined ? {} : { provider: toChecksumAddress(provider) }),
    ...(phase === undefined ? {} : { phase }),
  };
  const rpc = clientOf(options);
  const found = await allPages(async (page) => {
    const answer = await rpc.call('ogpu_jobs', [filter, page], JobPage);
    return { items: answer.jobs, next: answer.next };
  });
  const report = found.map((job) => ({ ...job, maxPriceWei: job.maxPriceWei.toString() }));
  const table = formatTable(
    ['job', 'phase', 'reason', 'at most (OGPU)', 'deadline'],
    found.map(({ id, phase: at, reason, maxPriceWei, deadlineMs }) => [
      ...[id, at, reason ?? '', formatOgpu(maxPriceWei), new Date(deadlineMs).toISOString()],
    ]),
  );
  await print(context, options, { jobs: report }, found.length === 0 ? 'no jobs\n' : table);
}

function explainCommand(context: CommandContext): Command {
  return onlineOptions(new Command('explain'))
    .description('say where a job is, why, whom it waits for and what happens next')
    .addArgument(jobArgument())
    .addHelpText('after', examples(['ogpu job explain 0x4e3a…', 'also knows jobs whose record is dropped']))
    .action(async (id: string, options: OnlineOptions) => {
      const found = await explain(clientOf(options), id);
      await print(context, options, explanationReport(found), describeExplanation(found));
    });
}

function watchCommand(context: CommandContext): Command {
  return onlineOptions(new Command('watch'))
    .description('wait until a job has ended; exit code 1 if it was not settled, or not in time')
    .addArgument(jobArgument())
    .option('--for <seconds>', 'wait no longer', integerBetween(1, 31_536_000), 86_400)
    .addHelpText('after', examples(['ogpu job watch 0x4e3a… --for 600', 'a bar where it is a terminal']))
    .action((id: string, options: OnlineOptions & { readonly for: number }) => watch(context, id, options));
}

async function watch(
  context: CommandContext,
  id: string,
  options: OnlineOptions & { readonly for: number },
): Promise<void> {
  const found = await awaitEnd(clientOf(options), id, options, options.for);
  await print(context, options, explanationReport(found), describeExplanation(found));
  if (found.phase !== 'SETTLED') throw notSettled(id);
}

function auditCommand(context: CommandContext): Command {
  return onlineOptions(new Command('audit'))
    .description('show how an attempt of a job is judged: segments, seats, what each has said')
    .addArgument(jobArgument())
    .option('--attempt <number>', 'from 0; the last one unless given', integerBetween(0, 254))
    .addHelpText('after', examples(['ogpu job audit 0x4e3a… --json', 'all of it, for scripts']))
    .action(async (id: string, options: OnlineOptions & { readonly attempt?: number }) => {
      const rpc = clientOf(options);
      const number = options.attempt ?? (await lastAttempt(rpc, id));
      const found = await rpc.call('ogpu_audit', [id, number], AuditAnswer);
      const amounts = { priceWei: found.priceWei.toString(), bondWei: found.bondWei.toString() };
      await print(context, options, { ...found, ...amounts }, describeAudit(found));
    });
}

async function lastAttempt(rpc: RpcClient, id: string): Promise<number> {
  const { attempts } = await rpc.call('ogpu_job', [id], JobAnswer);
  if (attempts > 0) return attempts - 1;
  const cure = 'wait until a provider was given it: `ogpu job explain`';
  throw new ClientError('JOB_NOT_ASSIGNED', 'nobody has worked on the job yet', { job: id, cure });
}

function cancelCommand(context: CommandContext): Command {
  return walletOptions(new Command('cancel'))
    .description('take a job of yours back that nobody works on: the whole escrow returns')
    .addArgument(jobArgument())
    .addHelpText('after', examples(['ogpu job cancel 0x4e3a…', 'too late once its claims are drawn']))
    .action((id: string, options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `job ${id} cancelled`,
        intent: jobsIntent('cancel', [fromHex(id)]),
      })),
    );
}

function describeAudit(audit: AuditAnswer): string {
  const rows = formatRows([
    ['provider', audit.provider],
    ['phase', audit.ending === null ? audit.phase : `${audit.phase} (${audit.ending})`],
    ['price', `${formatOgpu(audit.priceWei)} OGPU`],
    ['bond', `${formatOgpu(audit.bondWei)} OGPU`],
    ['segments', audit.segments.join(', ')],
  ]);
  const voices = [
    ...audit.seats.map((voice) => ['seat', voice] as const),
    ...(audit.escalation?.voices ?? []).map((voice) => ['all verifiers', voice] as const),
    ...(audit.publication?.voices ?? []).map((voice) => ['publication', voice] as const),
  ];
  if (voices.length === 0) return rows;
  return `${rows}\n${formatTable(
    ['as', 'validator', 'power', 'status'],
    voices.map(([as, { validator, power, status }]) => [as, validator, `${power}`, status]),
  )}`;
}

const GROUP_HELP = `
A job is paid only after validators have re-executed a sample of it. Nothing has to be signed to look at one; every ending is
explained, and whatever is not paid out returns to the client.
`;
