import { Argument, InvalidArgumentError } from 'commander';
import { formatOgpu } from '../../protocol/amounts.js';
import { hasJobEnded, watchChanges } from '../../rpc/jobs/watch.js';
import { JobExplanation } from '../client/answers.js';
import { ClientError } from '../client/errors.js';
import type { RpcClient } from '../client/rpc-client.js';
import { showProgress } from '../progress.js';
import { formatRows, type JsonOption } from './command-context.js';

/** Waits until a job has ended, with a bar for who watches. @throws JobError JOB_NOT_ENDED, and as calls do */
export async function awaitEnd(
  rpc: RpcClient,
  id: string,
  { json }: JsonOption,
  forSeconds: number,
): Promise<JobExplanation> {
  const progress = showProgress({ label: 'job', total: STAGES.length, unit: 'steps', isSilent: json });
  try {
    let last = await explain(rpc, id);
    const options = { timeoutMs: forSeconds * 1000 };
    for await (const found of watchChanges(() => explain(rpc, id), hasJobEnded, options)) {
      progress.update(stageOf(found));
      last = found;
    }
    return last;
  } finally {
    progress.stop();
  }
}

export function notSettled(id: string): ClientError {
  const cure = 'the escrow has gone back: post it anew, for more or with a later deadline';
  return new ClientError('JOB_NOT_SETTLED', 'the job has ended without a result', { job: id, cure });
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

export function explain(rpc: RpcClient, id: string): Promise<JobExplanation> {
  return rpc.call('ogpu_explainJob', [id], JobExplanation);
}

/** For scripts: amounts in wei. */
export function explanationReport({ attempt, escrowWei, ...rest }: JobExplanation): object {
  const amounts = attempt && { priceWei: attempt.priceWei.toString(), bondWei: attempt.bondWei.toString() };
  return { ...rest, attempt: attempt && { ...attempt, ...amounts }, escrowWei: escrowWei.toString() };
}

export function describeExplanation(explanation: JobExplanation): string {
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

export function jobArgument(): Argument {
  return new Argument('<job>', 'its id: 0x and 64 hex digits').argParser((text: string) => {
    if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text;
    throw new InvalidArgumentError('expected 0x and 64 hex digits.');
  });
}
