import { invariant } from '../../protocol/invariant.js';
import { add, complement, compare, fraction, multiply, ONE, power, ZERO, type Fraction } from './fraction.js';
import { strata, type Stratum } from './sampling.js';
import { isFullAudit, type AttemptTerms } from './terms.js';

/*
 * How likely a cheat is found, exactly. docs/spec/audit.md, "What it buys"; the simulation measures the same numbers.
 */

type Sampling = Pick<AttemptTerms, 'kind' | 'segments' | 'sampled' | 'full'>;

/** What an adversary may have of the power of verifiers and proposers. */
export const ADVERSARY: Fraction = fraction(1n, 3n);

/** Chance that none of the `bad` segments is drawn. */
export function passProbability(sampling: Sampling, bad: ReadonlySet<number>): Fraction {
  if (isFullAudit(sampling)) return bad.size === 0 ? ONE : ZERO;
  const cut = strata(sampling.segments, sampling.sampled);
  return sampling.kind === 'batch' ? passBatch(cut, bad) : passChain(cut, bad);
}

function passBatch(cut: readonly Stratum[], bad: ReadonlySet<number>): Fraction {
  return cut.reduce((pass, { first, size }) => {
    const good = countGood(first, size, bad);
    return multiply(pass, fraction(BigInt(good), BigInt(size)));
  }, ONE);
}

/** Follows the draw from stratum to stratum: what matters of a drawn segment is whether it is the last of its own. */
function passChain(cut: readonly Stratum[], bad: ReadonlySet<number>): Fraction {
  let last = ZERO;
  let other = ONE;
  let sizeBefore: number | undefined;
  for (const { first, size } of cut) {
    const isGood = (segment: number): bigint => (bad.has(segment) ? 0n : 1n);
    const end = first + size - 1;
    const inner = BigInt(countGood(first + 1, size - 2, bad));
    const evenly = fraction(1n, BigInt(size - 1));
    const takesFirst =
      sizeBefore === undefined
        ? fraction(1n, BigInt(size))
        : fraction(BigInt(sizeBefore), BigInt(size * (sizeBefore - 1)));
    const rest = add(multiply(last, evenly), multiply(other, multiply(complement(takesFirst), evenly)));
    const toFirst = multiply(multiply(other, takesFirst), fraction(isGood(first), 1n));
    other = add(toFirst, multiply(rest, fraction(inner, 1n)));
    last = multiply(rest, fraction(isGood(end), 1n));
    sizeBefore = size;
  }
  return add(last, other);
}

function countGood(first: number, size: number, bad: ReadonlySet<number>): number {
  let good = 0;
  for (let i = first; i < first + size; i++) if (!bad.has(i)) good++;
  return good;
}

/**
 * Where `count` bad segments are drawn least often from a batch: spread evenly over the strata, each where it adds the least. Within a stratum
 * they lie in the middle, which is as good as anywhere for a batch.
 */
export function bestPlacement(segments: number, sampled: number, count: number): Set<number> {
  invariant(count >= 0 && count <= segments, 'as many bad segments as segments at most');
  const cut = strata(segments, sampled).map((stratum) => ({ ...stratum, bad: 0 }));
  for (let i = 0; i < count; i++) {
    // Of the log of a product, the term that falls least: the largest (size − bad − 1) / (size − bad).
    const next = cut.reduce((best, stratum) =>
      stratum.size - stratum.bad > best.size - best.bad ? stratum : best,
    );
    next.bad++;
  }
  return new Set(
    cut.flatMap(({ first, size, bad }) =>
      Array.from({ length: bad }, (_, i) => first + Math.floor((size - bad) / 2) + i),
    ),
  );
}

/** Chance that the one bad segment of the weakest cheat is drawn, wherever the cheat puts it. */
export function singleDetection(sampling: Sampling): Fraction {
  if (isFullAudit(sampling)) return ONE;
  return fraction(1n, BigInt(Math.ceil(sampling.segments / sampling.sampled)));
}

/**
 * Chance that `seats` draws by power without replacement are all of a coalition, exactly. The number of terms doubles with every member: at most 16.
 *
 * @param coalition power of each of its operators
 * @param total power of all
 */
export function allSeatsProbability(coalition: readonly number[], total: number, seats: number): Fraction {
  invariant(coalition.length <= 16, 'a coalition small enough to enumerate');
  const known = new Map<number, Fraction>();
  const chance = (drawn: number, left: number, powerLeft: number): Fraction => {
    if (left === 0) return ONE;
    const before = known.get(drawn);
    if (before !== undefined) return before;
    let sum = ZERO;
    coalition.forEach((own, i) => {
      if ((drawn & (1 << i)) !== 0) return;
      const step = fraction(BigInt(own), BigInt(powerLeft));
      sum = add(sum, multiply(step, chance(drawn | (1 << i), left - 1, powerLeft - own)));
    });
    known.set(drawn, sum);
    return sum;
  };
  return chance(0, seats, total);
}

/** Bound on the same for any coalition with the adversary's share: α^c. */
export function collusionBound(seats: number): Fraction {
  return power(ADVERSARY, seats);
}

/**
 * Detection that is left when proposers of the adversary withhold blocks whose beacon they do not like: (1 − α)·d. Whatever they re-roll,
 * the last word is an honest proposer's in 1 − α of all cases.
 */
export function afterReroll(detection: Fraction): Fraction {
  return multiply(complement(ADVERSARY), detection);
}

/**
 * d: chance that the weakest cheat is found. One bad segment, where it is drawn least, an adversary with a third of the verifiers and
 * a third of the proposers.
 *
 * @param seats of each segment that there are verifiers for
 */
export function weakestDetection(sampling: Sampling, seats: number): Fraction {
  const detection = multiply(singleDetection(sampling), complement(collusionBound(seats)));
  invariant(compare(detection, ZERO) > 0, 'somebody honest looks');
  return afterReroll(detection);
}
