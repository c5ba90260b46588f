import type { AgentEvent } from '../../compute/provider/agent.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import type { Logger } from '../logging/logger.js';
import { Repeats } from '../logging/repeats.js';
import type { ProviderEvent } from './service.js';

type Step = Exclude<AgentEvent['kind'], 'claimed' | 'trouble'>;

const STEPS: Readonly<Record<Step, string>> = {
  computing: 'a job is computed',
  computed: 'a job is computed: its result is on the disk',
  committed: 'bound to the result of a job',
  unsealed: 'a result is laid open, and its output handed out',
  published: 'data that verifiers missed is on the chain',
  released: 'a job is given back',
  over: 'an attempt is over',
};

/** Writes what a provider does to a log; each entry has the name of its event. Troubles that come again and again are counted. */
export function eventLog(log: Logger): (event: ProviderEvent) => void {
  const repeats = new Repeats();
  return (event) => {
    const { kind } = event;
    switch (kind) {
      case 'claimed': {
        const fields = { event: kind, job: toHex(event.job), priceWei: event.priceWei.toString() };
        log.info(fields, `a job is claimed for ${formatOgpu(event.priceWei)} OGPU`);
        return;
      }
      case 'device':
        log.info({ event: kind, device: event.device }, `jobs run on ${event.device}`);
        return;
      case 'trouble': {
        const job = event.subject === undefined ? {} : { job: toHex(event.subject.job) };
        writeError(repeats, log, event.error, { event: kind, ...job });
        return;
      }
      case 'warning':
        writeError(repeats, log, event.error, { event: kind });
        return;
      default: {
        const { job, attempt } = event.subject;
        log.info({ event: kind, job: toHex(job), attempt }, STEPS[kind]);
      }
    }
  };
}

function writeError(
  repeats: Repeats,
  log: Logger,
  error: unknown,
  fields: Readonly<Record<string, string>>,
): void {
  const code = error instanceof OgpuError ? String(error.code) : 'UNKNOWN';
  const message = error instanceof Error ? error.message : String(error);
  repeats.write(`${code} ${fields['job'] ?? ''} ${message}`, log.warn, { ...fields, err: error }, message);
}
