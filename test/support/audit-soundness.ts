import {
  allSeatsProbability,
  bestPlacement,
  passProbability,
} from '../../consensus/verification/detection.js';
import {
  complement,
  divide,
  fraction,
  multiply,
  ONE,
  power,
  ZERO,
  type Fraction,
} from '../../consensus/verification/fraction.js';
import {
  addressOf,
  AuditWorld,
  balanceOf,
  PRICE_WEI,
  runToEnd,
  validatorBalance,
  type Behaviour,
  type WorldOptions,
} from './audit-world.js';
import { createPrng } from './prng.js';

/*
 * Cheats at the default parameters, job after job through the whole protocol: how often they are found, against the exact chance, and what
 * they come to on average.
 */

/** One way to behave as a provider, with its accomplices. */
export interface Strategy {
  readonly name: string;
  readonly options: WorldOptions;
  /** Chance that the attempt ends without being paid. */
  readonly detection: Fraction;
  readonly isCheat: boolean;
  /** Segments that it works out, each at half of its share of the price. */
  readonly worked: number;
  /** A third of the blocks are its own, and it withholds those whose beacon it does not like. */
  readonly rerolls?: boolean;
}

export interface Soundness {
  readonly name: string;
  readonly jobs: number;
  readonly found: number;
  readonly detection: number;
  /** Standard errors between the two. */
  readonly deviation: number;
  /** Mean profit of provider and accomplices, in prices. */
  readonly profit: number;
  readonly bond: number;
  /** Attempts in which the bond was touched. */
  readonly slashed: number;
}

const VERIFIERS = 16;
/** Just below a third. */
const ACCOMPLICES = 5;
const SEGMENTS = 64;
/** What a wrong result that is accepted is worth, the price included. */
const VALUE_WEI = 2n * PRICE_WEI;

const powers = Array<number>(VERIFIERS).fill(1_000_000);
const accomplices = (behaviour: Behaviour): readonly Behaviour[] =>
  Array<Behaviour>(ACCOMPLICES).fill(behaviour);
const all = new Set(Array.from({ length: SEGMENTS }, (_, i) => i));
const batch = { kind: 'batch', segments: SEGMENTS, sampled: 4, full: false } as const;
const chain = { ...batch, kind: 'chain' } as const;
/** In a chain: every second step, where two drawn ones are neighbours least often. */
const steps = new Set([...all].filter((i) => i % 2 === 1));

function faking(name: string, fakes: ReadonlySet<number>, kind: 'batch' | 'chain' = 'batch'): Strategy {
  const sampling = kind === 'batch' ? batch : chain;
  const detection = complement(passProbability(sampling, fakes));
  const options = { terms: { kind }, provider: { fakes } };
  return { name, options, detection, isCheat: true, worked: SEGMENTS - fakes.size };
}

/** Every seat of a segment is an accomplice's. */
const allOurs = (seats: number): Fraction =>
  allSeatsProbability(Array<number>(ACCOMPLICES).fill(1), VERIFIERS, seats);

const single = faking('fakes 1 of 64', bestPlacement(SEGMENTS, 4, 1));
const certain = { detection: ONE, isCheat: true } as const;
const third = fraction(1n, 3n);

export const STRATEGIES: readonly Strategy[] = [
  { name: 'honest', options: {}, detection: ZERO, isCheat: false, worked: SEGMENTS },
  {
    name: 'honest, 5 of 16 verifiers lie',
    options: { behaviours: accomplices('lie') },
    ...{ detection: ZERO, isCheat: false, worked: SEGMENTS },
  },
  single,
  faking('fakes 6 of 64', bestPlacement(SEGMENTS, 4, 6)),
  faking('fakes 32 of 64', bestPlacement(SEGMENTS, 4, 32)),
  faking('fakes 64 of 64', all),
  faking('chain, fakes 1 step', new Set([15]), 'chain'),
  faking('chain, fakes every second step', steps, 'chain'),
  {
    ...single,
    name: 'fakes 1, 5 of 16 accomplices, c = 2',
    options: { ...single.options, terms: { seats: 2 }, behaviours: accomplices('confirm') },
    detection: multiply(single.detection, complement(allOurs(2))),
  },
  {
    ...single,
    name: 'fakes 1, 5 of 16 accomplices',
    options: { ...single.options, behaviours: accomplices('confirm') },
    detection: multiply(single.detection, complement(allOurs(5))),
  },
  {
    ...single,
    name: 'fakes 1, serves accomplices only',
    options: {
      provider: { fakes: bestPlacement(SEGMENTS, 4, 1), servesOnly: ['confirm'], publishes: false },
      behaviours: accomplices('confirm'),
    },
    detection: complement(power(allOurs(5), 4)),
  },
  {
    ...single,
    name: 'fakes 1, re-rolls a third of beacons',
    rerolls: true,
    // Found, and the block not its own: d·(1 − α) / (1 − α·d).
    detection: divide(
      multiply(single.detection, complement(third)),
      complement(multiply(third, single.detection)),
    ),
  },
  {
    ...certain,
    ...{ name: 'full audit, fakes 1 of 16', worked: 60 },
    options: { terms: { segments: 16, full: true }, provider: { fakes: new Set([7]) } },
  },
  { ...certain, name: 'does not unseal', worked: 0, options: { provider: { unseals: false } } },
  { ...certain, name: 'garbage as output', worked: 0, options: { provider: { garbageOutput: true } } },
  {
    ...certain,
    ...{ name: 'withholds the output', worked: 0 },
    options: { provider: { delivers: false, publishes: false }, behaviours: accomplices('confirm') },
  },
  { ...certain, name: 'claims and abandons', worked: 0, options: { provider: { commits: false } } },
];

/** @param firstSeed of the jobs; the same seed gives the same figures */
export function measureSoundness(strategy: Strategy, jobs: number, firstSeed = 0): Soundness {
  const coin = createPrng(firstSeed + 77);
  let [found, slashed, bondWei, profitWei] = [0, 0, 0n, 0n];
  for (let i = 0; i < jobs; i++) {
    let world = runJob(strategy, firstSeed + i);
    // Seeds of re-rolls lie beyond those of all jobs.
    for (let roll = 1; strategy.rerolls === true && isFound(world) && coin.chance(1, 3); roll++) {
      world = runJob(strategy, firstSeed + i + roll * 2_000_000);
    }
    bondWei = world.terms.bondWei;
    if (isFound(world)) found++;
    if (balanceOf(world.payments, 'provider') < (isFound(world) ? bondWei : bondWei + PRICE_WEI)) slashed++;
    profitWei += profitOf(world);
  }
  const detection = Number(strategy.detection.numerator) / Number(strategy.detection.denominator);
  const error = Math.sqrt((detection * (1 - detection)) / jobs);
  const difference = found / jobs - detection;
  const costs = strategy.worked / SEGMENTS / 2;
  return {
    ...{ name: strategy.name, jobs, found, detection, slashed },
    deviation: difference === 0 ? 0 : error === 0 ? Infinity : difference / error,
    profit: inPrices(profitWei) / jobs - costs,
    bond: inPrices(bondWei),
  };
}

function runJob({ options }: Strategy, seed: number): AuditWorld {
  const world = new AuditWorld({ powers, valueWei: VALUE_WEI, ...options, seed });
  runToEnd(world);
  return world;
}

function isFound({ attempt }: AuditWorld): boolean {
  return attempt.phase !== 'ACCEPTED';
}

/** Of provider and accomplices, without what work costs. */
function profitOf(world: AuditWorld): bigint {
  const { payments, terms, provider, attempt } = world;
  const isAccepted = attempt.phase === 'ACCEPTED';
  const cheated = isAccepted && provider.fakes.size > 0 ? VALUE_WEI - PRICE_WEI : 0n;
  const ours = world.behaviours.reduce(
    (sum, behaviour, i) =>
      behaviour === 'confirm' ? sum + validatorBalance(payments, addressOf(1, i)) : sum,
    0n,
  );
  return balanceOf(payments, 'provider') - terms.bondWei + cheated + ours;
}

function inPrices(wei: bigint): number {
  return Number((wei * 1_000_000n) / PRICE_WEI) / 1_000_000;
}
