import { measureSoundness, STRATEGIES, type Soundness } from '../test/support/audit-soundness.js';
import type { Measurement, Suite } from './harness.js';

/** Measured soundness of the audit: how often each cheat is found, against the exact chance, and what it comes to on average. */
export const suite: Suite = { measurements: () => Promise.resolve(STRATEGIES.map(measure)) };

/** Of each strategy: more than 10^5 together. */
const JOBS = 6_000;

function measure(strategy: (typeof STRATEGIES)[number]): Measurement {
  const result = measureSoundness(strategy, JOBS);
  const goal = strategy.isCheat ? 'within 4 standard errors, mean profit < 0' : 'none refused, none slashed';
  return { name: `audit/${strategy.name}`, value: describe(result), goal };
}

function describe({ jobs, found, detection, deviation, profit, bond, slashed }: Soundness): string {
  const share = (of: number): string => `${(100 * of).toFixed(3)} %`;
  return [
    `${found} of ${jobs} found = ${share(found / jobs)}`,
    `exact ${share(detection)}`,
    `${deviation.toFixed(1)} standard errors`,
    `mean profit ${profit.toFixed(3)} prices`,
    `bond ${bond.toFixed(2)} prices`,
    `${slashed} slashed`,
  ].join('; ');
}
