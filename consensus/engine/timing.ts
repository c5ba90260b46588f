import type { ChainParams } from '../../protocol/params.js';
import type { TimeoutKind } from '../core/types.js';

type ConsensusParams = ChainParams['consensus'];

/** How long a step of a round may take before its timeout: grows with the round, so that every network is met one day. */
export function timeoutMs(params: ConsensusParams, kind: TimeoutKind, round: number): number {
  switch (kind) {
    case 'propose':
      return params.timeoutProposeMs + round * params.timeoutProposeDeltaMs;
    case 'prevote':
      return params.timeoutPrevoteMs + round * params.timeoutPrevoteDeltaMs;
    case 'precommit':
      return params.timeoutPrecommitMs + round * params.timeoutPrecommitDeltaMs;
  }
}

/** No delay grows beyond an hour, whatever the round. */
const MAX_DELAY_MS = 3_600_000;

/**
 * Proposer-based timestamps: a fresh proposal is timely if its time is not ahead of the clock by more than the clocks differ, nor behind by
 * more than that and the longest delay of a message. That delay grows with the round, geometrically: a bound fixed too low
 * would stop the chain for ever.
 */
export function isTimely(
  params: ConsensusParams,
  {
    timeMs,
    receivedMs,
    round,
  }: { readonly timeMs: number; readonly receivedMs: number; readonly round: number },
): boolean {
  const precisionMs = params.timestampPrecisionMs;
  const earliestMs = receivedMs - longestDelayMs(params, round) - precisionMs;
  return timeMs >= earliestMs && timeMs <= receivedMs + precisionMs;
}

function longestDelayMs(params: ConsensusParams, round: number): number {
  let delayMs = params.timestampDelayMs;
  for (let i = 0; i < round && delayMs < MAX_DELAY_MS; i++) {
    delayMs += Math.floor((delayMs * params.timestampDelayGrowthBps + 9_999) / 10_000);
  }
  return Math.min(delayMs, MAX_DELAY_MS);
}
