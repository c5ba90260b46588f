import type { Prng } from '../support/prng.js';
import { REGIONS, ROUND_TRIP_US, type Region } from './regions.js';

/** One-way delay of one message in whole microseconds. */
export type Latency = (from: number, to: number, random: Prng) => number;

export function constantLatency(delayUs: number): Latency {
  return () => delayUs;
}

export function uniformLatency(minUs: number, maxUs: number): Latency {
  return (_from, _to, random) => minUs + random.below(maxUs - minUs + 1);
}

/** How many doublings the slowest message in the tail suffers: 2^10 times the base. */
const MAX_DOUBLINGS = 10;

/**
 * Mostly `baseUs` and up to as much again; each message is twice as slow again with a chance of 1 in `oneIn`: a power law with
 * exponent log2(oneIn), made of whole numbers so that all machines agree.
 */
export function heavyTailLatency(baseUs: number, oneIn = 8): Latency {
  return (_from, _to, random) => {
    let delayUs = baseUs + random.below(baseUs);
    for (let i = 0; i < MAX_DOUBLINGS && random.chance(1, oneIn); i++) delayUs *= 2;
    return delayUs;
  };
}

/** Every `TAIL_ONE_IN`th wide-area message meets a queue or a retransmission and takes up to twice as long. An assumption. */
const TAIL_ONE_IN = 256;

/**
 * Nodes in regions: half of the round trip measured from the sender's region to the receiver's, plus uniform jitter of up to 5 %,
 * plus for one message in 256 up to the same delay again. The halves are measured, the jitter is assumed. What a round trip cannot show,
 * that one direction is slower than the other, is not modelled.
 *
 * @param regionOf region of each node, by index
 */
export function regionLatency(regionOf: readonly Region[]): Latency {
  const indexOf = regionOf.map((region) => REGIONS.indexOf(region));
  return (from, to, random) => {
    const roundTripUs = ROUND_TRIP_US[indexOf[from] ?? 0]?.[indexOf[to] ?? 0] ?? 0;
    const oneWayUs = Math.floor(roundTripUs / 2);
    const jitterUs = random.below(Math.floor(oneWayUs / 20) + 1);
    const tailUs = random.chance(1, TAIL_ONE_IN) ? random.below(oneWayUs + 1) : 0;
    return oneWayUs + jitterUs + tailUs;
  };
}

/** Spreads nodes over the first `count` regions, in turn. */
export function spreadOverRegions(nodes: number, count: number = REGIONS.length): readonly Region[] {
  return Array.from({ length: nodes }, (_, node) => REGIONS[node % count] ?? REGIONS[0]);
}
