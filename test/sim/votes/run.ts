import { describeError } from '../../../protocol/errors.js';
import { NO_TRACE, type Outcome, type RunOptions } from '../run.js';
import { simulate, type SimulationResult } from './simulation.js';

const HEIGHTS = 6;

/** Real votes with real signatures over a few heights; takes no faults of network, clock or disk. */
export function runVotes(seed: number, { nodes, troubleUs }: RunOptions): Promise<Outcome> {
  try {
    return Promise.resolve(
      outcomeOf(seed, { nodes, troubleUs }, simulate(seed, { nodes, heights: HEIGHTS })),
    );
  } catch (error) {
    const stack = error instanceof Error ? error.stack : undefined;
    const failure = { message: describeError(error), stack, ...NO_TRACE };
    return Promise.resolve({ ...outcomeOf(seed, { nodes, troubleUs }, undefined), failure });
  }
}

function outcomeOf(
  seed: number,
  { nodes, troubleUs }: Pick<RunOptions, 'nodes' | 'troubleUs'>,
  result: SimulationResult | undefined,
): Outcome {
  return {
    scenario: 'votes',
    ...{ seed, nodes, troubleUs },
    hash: result?.eventHash ?? '',
    events: HEIGHTS * nodes,
    simulatedUs: 0,
    faults: 0,
    byzantine: result?.crimes ?? 0,
    counts: { sent: 0, sentBytes: 0, delivered: 0, lost: 0, duplicated: 0, peakInFlight: 0 },
    tally: {},
    story: [],
    failure: undefined,
  };
}
