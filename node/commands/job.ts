import { setTimeout as delay } from 'node:timers/promises';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { toChecksumAddress, type Address } from '../../protocol/address.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { fromHex } from '../../protocol/bytes.js';
import { JOB_PHASES } from '../../state/jobs/job.js';
import { AuditAnswer, JobAnswer, JobExplanation, JobPage } from '../client/answers.js';
import { ClientError } from '../client/errors.js';
import { allPages } from '../client/pages.js';
import type { RpcClient } from '../client/rpc-client.js';
import { jobsIntent } from '../client/transact.js';
import { showProgress } from '../progress.js';
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
  onlineOptions,
  parseAddressArgument,
  sendAndPrint,
  walletOptions,
  type OnlineOptions,
  type WalletCommandOptions,
} from './online-options.js';

/** The `job` group of the command line: what a client asks about its jobs. */
export function jobCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('job')
    .description('list jobs, see where they are and how they are judged, watch and cancel them')
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
      await print(context, options, explanationReport(found), describe(found));
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

const POLL_MS = 1_000;

async function watch(
  context: CommandContext,
  id: string,
  options: OnlineOptions & { readonly for: number },
): Promise<void> {
  const rpc = clientOf(options);
  const endMs = performance.now() + options.for * 1000;
  const progress = showProgress({
    label: 'job',
    total: STAGES.length,
    unit: 'steps',
    isSilent: options.json,
  });
  try {
    for (;;) {
      const found = await explain(rpc, id);
      progress.update(stageOf(found));
      if (found.phase !== 'OPEN' && found.phase !== 'ASSIGNED') {
        progress.stop();
        await print(context, options, explanationReport(found), describe(found));
        if (found.phase === 'SETTLED') return;
        const cure = 'the escrow has gone back: post it anew, for more or with a later deadline';
        throw new ClientError('JOB_NOT_SETTLED', 'the job has ended without a result', { job: id, cure });
      }
      if (performance.now() + POLL_MS > endMs) break;
      await delay(POLL_MS);
    }
  } finally {
    progress.stop();
  }
  const cure = 'watch it again: nothing is lost, and `ogpu job explain` says whom it waits for';
  throw new ClientError('JOB_NOT_ENDED', `the job has not ended after ${options.for} s`, { job: id, cure });
}

/** What a job that goes well passes, in this order. */
const STAGES: readonly string[] = [
  'OPEN',
  'CLAIMED',
  'COMMITTED',
  'SEALING',
  'UNSEALING',
  'REVEALING',
  'SETTLED',
];

function stageOf({ phase, attempt }: JobExplanation): number {
  if (phase !== 'ASSIGNED') return phase === 'OPEN' ? 0 : STAGES.length;
  const at = STAGES.indexOf(attempt?.phase ?? '');
  // All verifiers are asked: as far as it was when seats revealed.
  return at < 0 ? STAGES.indexOf('REVEALING') : at;
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

function explain(rpc: RpcClient, id: string): Promise<JobExplanation> {
  return rpc.call('ogpu_explainJob', [id], JobExplanation);
}

function explanationReport({ attempt, escrowWei, ...rest }: JobExplanation): object {
  const amounts = attempt && { priceWei: attempt.priceWei.toString(), bondWei: attempt.bondWei.toString() };
  return { ...rest, attempt: attempt && { ...attempt, ...amounts }, escrowWei: escrowWei.toString() };
}

function describe(explanation: JobExplanation): string {
  const { job, phase, reason, attempt, waitsFor, voices, next, due, escrowWei } = explanation;
  return formatRows([
    ['job', job],
    ['phase', reason === null ? phase : `${phase} (${reason})`],
    ...(attempt === null
      ? []
      : ([
          ['attempt', `${attempt.number}: ${attempt.ending ?? attempt.phase}`],
          ['provider', `${attempt.provider}, for ${formatOgpu(attempt.priceWei)} OGPU`],
          ['bond', `${formatOgpu(attempt.bondWei)} OGPU`],
        ] as const)),
    ...(attempt === null || attempt.meaning === null ? [] : ([['meaning', attempt.meaning]] as const)),
    ['waits for', waitsFor],
    ...(voices === null
      ? []
      : ([['voices', `${voices.heard} heard, ${voices.waiting.length} waited for`]] as const)),
    ...(voices?.waiting ?? []).map((validator) => ['', validator] as const),
    ...(escrowWei === 0n ? [] : ([['in escrow', `${formatOgpu(escrowWei)} OGPU`]] as const)),
    ['then', next],
    ...(due === null
      ? []
      : ([['not before', `${new Date(due.timeMs).toISOString()}, block ${due.height}`]] as const)),
  ]);
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

function jobArgument(): Argument {
  return new Argument('<job>', 'its id: 0x and 64 hex digits').argParser((text: string) => {
    if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text;
    throw new InvalidArgumentError('expected 0x and 64 hex digits.');
  });
}

const GROUP_HELP = `
A job is paid only after validators have re-executed a sample of it. Nothing has to be signed to look at one; every ending is
explained, and whatever is not paid out returns to the client.
`;
