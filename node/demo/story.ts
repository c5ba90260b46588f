import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { decodeImage } from '../../compute/images/codec.js';
import { formatOgpu, WEI_PER_OGPU } from '../../protocol/amounts.js';
import { ProviderAnswer, type AuditAnswer } from '../client/answers.js';
import { sampleNode, type NodeSample } from '../devnet/metrics-client.js';
import { check } from './demo-error.js';
import { balanceOf, followJob, type SeenAttempt, type SeenJob } from './follow-job.js';
import type { Narrator } from './narrator.js';
import { paymentsOf, type JobPayment } from './payments.js';
import { runCommand } from './run-command.js';
import { LOCKUP_OGPU, startProvider, VALIDATORS, type Stage } from './stage.js';

export interface StoryOptions {
  /** The picture that is made larger. */
  readonly picture: string;
  /** Where the larger one goes. */
  readonly out: string;
  /** The second provider makes up a part of its result. */
  readonly cheats: boolean;
}

const PRICE_OGPU = '2';
/** Percent of the segments that the second provider makes up. */
const FAKED_PERCENT = '25';

const SourceReport = z.looseObject({ source: z.string() });
const PostReport = z.looseObject({ job: z.string() });

/** From a registered model to a paid job and a picture. @throws DemoError where anything is not as it must be */
export async function tellStory(stage: Stage, narrator: Narrator, options: StoryOptions): Promise<void> {
  const before = await sampleFirst(stage);
  await registerSource(stage, narrator);
  await openProviders(stage, narrator, options);
  const balanceWei = await balanceOf(stage.rpc, stage.client.address);
  const postedMs = performance.now();
  const job = await postJob(stage, narrator, options);
  const seen = await watch(stage, narrator, job, options);
  for (const [number, { audit }] of seen.attempts.entries()) tellAudit(narrator, audit, number);
  const payments = await paymentsOf(stage.rpc, job);
  tellMoney(narrator, seen, payments);
  await checkMoney(stage, seen, payments, balanceWei);
  if (options.cheats) await checkCheat(stage, narrator, seen, payments);
  await fetchResult(stage, narrator, job, options);
  await tellFinality(stage, narrator, { before, postedMs, seen });
}

async function registerSource({ model, client, signal }: Stage, narrator: Narrator): Promise<void> {
  narrator.live('the model is registered; every validator fetches its weights and tries it');
  const report = await runCommand(['source', 'register', model, ...client.options], signal);
  const { source } = SourceReport.parse(report);
  narrator.step('model', `ESRGAN-slim ×2 as an integer program, ${source}`);
  narrator.detail(
    `${VALIDATORS} validators fetched its weights, ran it, and said so with their votes: it is open for jobs`,
  );
}

/** A cheat is alone at first, so that the job comes to it; the honest one begins when it has been given the job. */
async function openProviders(stage: Stage, narrator: Narrator, { cheats }: StoryOptions): Promise<void> {
  narrator.live('providers register and look for jobs');
  const [first, second] = stage.providers;
  if (cheats) {
    await startProvider(stage, 1, ['--cheat', FAKED_PERCENT]);
    narrator.step(
      'provider',
      `${second?.address ?? ''} with ${LOCKUP_OGPU} OGPU at stake; it makes up ${FAKED_PERCENT} % of what it is paid for`,
    );
    return;
  }
  await Promise.all([startProvider(stage, 0), startProvider(stage, 1)]);
  narrator.step(
    'providers',
    `${first?.address ?? ''} and ${second?.address ?? ''}, ${LOCKUP_OGPU} OGPU at stake each`,
  );
}

async function postJob(stage: Stage, narrator: Narrator, { picture, cheats }: StoryOptions): Promise<string> {
  const { model, client, signal } = stage;
  const { width, height } = decodeImage(await readFile(picture));
  const words = ['job', 'post', '--model', model, '--input', picture, '--price', PRICE_OGPU];
  const report = await runCommand([...words, ...(cheats ? ['--full'] : []), ...client.options], signal);
  const { job } = PostReport.parse(report);
  narrator.step('job', job);
  narrator.detail(
    `${basename(picture)}, ${width} × ${height}, to be made twice as large, for ${PRICE_OGPU} OGPU in escrow`,
  );
  return job;
}

function watch(stage: Stage, narrator: Narrator, job: string, { cheats }: StoryOptions): Promise<SeenJob> {
  const { rpc, signal } = stage;
  const startMs = performance.now();
  let isSecondHere = false;
  return followJob(
    rpc,
    job,
    {
      onMoved: async (audit, number) => {
        const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
        narrator.detail(`${seconds.padStart(5)} s  ${describeMove(audit, number)}`);
        if (!cheats || isSecondHere) return;
        isSecondHere = true;
        await startProvider(stage, 0);
        narrator.step('provider', `${stage.providers[0]?.address ?? ''}, an honest one, has come too`);
      },
      onWaiting: (audit) => {
        narrator.live(audit === undefined ? 'claims are collected' : describeWaiting(audit));
      },
    },
    signal,
  );
}

function describeMove(audit: AuditAnswer, number: number): string {
  const { phase, ending, provider, bondWei, segments, seats } = audit;
  if (ending !== null) return ENDINGS[ending] ?? `the attempt ends: ${ending}`;
  switch (phase) {
    case 'CLAIMED':
      return `attempt ${number + 1}: drawn by the beacon, ${provider} runs it; bond ${formatOgpu(bondWei)} OGPU`;
    case 'COMMITTED':
      return `the result is computed and committed to: root ${audit.root ?? ''}`;
    case 'SEALING':
      return `a beacon nobody could foresee draws tiles ${segments.join(', ')} and ${seats.length} seats, which run them again`;
    case 'UNSEALING':
      return `${seats.filter(({ status }) => status === 'sealed').length} of ${seats.length} seats have sealed what they came to`;
    case 'REVEALING':
      return `the provider lays open its answers and hands out the output`;
    case 'ESCALATION_SEALING':
      return 'a seat came to something else: all verifiers run what is disputed';
    case 'ESCALATION_REVEALING':
      return 'all verifiers reveal; two thirds of their stake decide';
    case 'PUBLISHING':
      return 'data is missing: the provider has to publish it';
    default:
      return phase;
  }
}

const ENDINGS: Readonly<Record<string, string>> = {
  CONFIRMED: 'every seat came to the same, to the last bit, and holds the output: accepted',
  UPHELD: 'the verifiers upheld the result: accepted',
  FRAUD: 'the answers were made up: rejected, the bond is taken, and the job is given to somebody else',
};

function describeWaiting({ phase, seats }: AuditAnswer): string {
  const count = (status: string): number => seats.filter((seat) => seat.status === status).length;
  switch (phase) {
    case 'CLAIMED':
      return 'the provider computes';
    case 'SEALING':
      return `${count('sealed')} of ${seats.length} seats have sealed`;
    case 'REVEALING':
      return `${count('revealed')} of ${seats.length} seats have revealed`;
    default:
      return phase.toLowerCase().replace('_', ' ');
  }
}

/** Who said what of which tiles, as anybody can read it from the ledger. */
function tellAudit(narrator: Narrator, audit: AuditAnswer, number: number): void {
  const { segments, answers, seats, escalation } = audit;
  narrator.step('audit', `of attempt ${number + 1}: what the provider said its tiles come to`);
  const shown = segments.slice(0, MAX_SHOWN).map((segment, at) => `${segment} ${short(answers[at])}`);
  const more = segments.length > MAX_SHOWN ? `, and ${segments.length - MAX_SHOWN} more` : '';
  narrator.detail(`tiles ${shown.join(', ')}${more}`);
  for (const seat of seats)
    narrator.detail(
      `${seat.validator}  sealed ${short(seat.seal)}, revealed ${short(seat.answerRoot)}${seat.disputed === null ? '' : `, disputes tile ${seat.disputed}`}`,
    );
  for (const { validator, status, disputed } of escalation?.voices ?? [])
    narrator.detail(
      `${validator}  of all verifiers: ${status}${disputed === null ? '' : `, it is not what the provider said (tile ${disputed})`}`,
    );
}

const MAX_SHOWN = 4;

function short(hash: string | null | undefined): string {
  return typeof hash === 'string' ? `${hash.slice(0, 10)}…` : 'nothing';
}

function tellMoney(narrator: Narrator, { job }: SeenJob, payments: readonly JobPayment[]): void {
  narrator.step('money', `the job has ended: ${job.phase} (${job.reason ?? ''})`);
  for (const [way, amountWei] of flows(payments))
    narrator.detail(`${formatOgpu(amountWei)} OGPU from the ${way}`);
}

/** Payments of one way together. */
function flows(payments: readonly JobPayment[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { recipient, isPool, from, amountWei } of payments) {
    const way = `${from} to ${isPool ? 'the verifiers in common' : recipient}`;
    sums.set(way, (sums.get(way) ?? 0n) + amountWei);
  }
  return sums;
}

/** Whoever lost or gained: what went out of the escrow is what went in, and the last provider has its price. */
async function checkMoney(
  { rpc, client }: Stage,
  { job, attempts }: SeenJob,
  payments: readonly JobPayment[],
  balanceWei: bigint,
): Promise<void> {
  check(job.phase === 'SETTLED' && job.reason === 'PAID', 'the job is settled and paid');
  const last = attempts.at(-1)?.audit;
  check(last?.ending === 'CONFIRMED', 'the result that is paid was confirmed by every seat');
  const escrow = payments.filter(({ from }) => from === 'escrow');
  const toProvider = escrow.filter(({ recipient }) => recipient === last.provider);
  check(sum(toProvider) === last.priceWei, 'the provider has its price');
  const spentWei = balanceWei - (await balanceOf(rpc, client.address));
  const toClient = sum(payments.filter(({ recipient }) => recipient === client.address));
  const gasWei = spentWei - (sum(escrow) - toClient);
  check(gasWei >= 0n && gasWei < MAX_GAS_WEI, 'beyond the escrow the client has paid for gas alone');
}

/** Of the one transaction of the client: a hundredth of a coin is a hundred times that. */
const MAX_GAS_WEI = WEI_PER_OGPU / 100n;

async function checkCheat(
  { rpc, client, providers }: Stage,
  narrator: Narrator,
  { attempts }: SeenJob,
  payments: readonly JobPayment[],
): Promise<void> {
  const [first, ...later] = attempts;
  const [honest, cheat] = providers;
  check(first?.audit.provider === cheat?.address, 'the cheat had the job first');
  check(first?.audit.ending === 'FRAUD', 'the audit found the fraud');
  const bond = sum(payments.filter(({ from, recipient }) => from === 'bond' && recipient !== cheat?.address));
  check(bond > 0n, 'the bond of the cheat was slashed');
  const { lockup } = await rpc.call('ogpu_provider', [cheat?.address], ProviderAnswer);
  check(later.at(-1)?.audit.provider === honest?.address, 'an honest provider finished the job');
  const compensation = sum(
    payments.filter(({ from, recipient }) => from === 'bond' && recipient === client.address),
  );
  narrator.step(
    'cheat',
    `lost ${formatOgpu(bond)} OGPU of its bond; ${formatOgpu(lockup.totalWei)} OGPU are left at stake`,
  );
  narrator.detail(`the client paid for one result, and had ${formatOgpu(compensation)} OGPU of the bond`);
}

async function fetchResult(
  stage: Stage,
  narrator: Narrator,
  job: string,
  { out }: StoryOptions,
): Promise<void> {
  const { model, client, signal } = stage;
  await runCommand(['job', 'result', job, '--out', out, '--model', model, '--rpc-url', client.url], signal);
  const { width, height } = decodeImage(await readFile(out));
  narrator.step('picture', out);
  narrator.detail(`${width} × ${height}; every byte checked against the root that was judged and paid for`);
}

async function tellFinality(
  stage: Stage,
  narrator: Narrator,
  { before, postedMs, seen }: { before: NodeSample; postedMs: number; seen: SeenJob },
): Promise<void> {
  const after = await sampleFirst(stage);
  const blocks = after.finalCount - before.finalCount;
  const blockMs = (1000 * (after.finalSeconds - before.finalSeconds)) / Math.max(1, blocks);
  const last = seen.attempts.at(-1);
  const computing = secondsBetween(last, 'CLAIMED', 'COMMITTED');
  const audited = (seen.endedMs - (last?.reachedMs.get('COMMITTED') ?? postedMs)) / 1000;
  narrator.step(
    'finality',
    `of a block: ${blockMs.toFixed(0)} ms on average over ${blocks} blocks; that money moved is never undone`,
  );
  narrator.detail(
    `of the result: ${((seen.endedMs - postedMs) / 1000).toFixed(1)} s after it was asked for, ${computing.toFixed(1)} s of them computing, ${audited.toFixed(1)} s judging`,
  );
}

function secondsBetween(attempt: SeenAttempt | undefined, from: string, to: string): number {
  const [start = NaN, end = NaN] = [attempt?.reachedMs.get(from), attempt?.reachedMs.get(to)];
  return (end - start) / 1000;
}

async function sampleFirst({ network }: Stage): Promise<NodeSample> {
  const sample = await sampleNode(network.devnet.nodes[0]?.metricsPort ?? 0);
  check(sample !== undefined, 'the first node answers');
  return sample;
}

function sum(payments: readonly JobPayment[]): bigint {
  return payments.reduce((total, { amountWei }) => total + amountWei, 0n);
}
