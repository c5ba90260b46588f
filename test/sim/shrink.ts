import type { Outcome, RunWishes } from './run.js';

/** A failing run with as few faults as were found to be enough. */
export interface Shrunk<Options extends RunWishes = RunWishes> {
  readonly outcome: Outcome;
  readonly options: Options;
}

/**
 * Leaves out faults of a failing run, first those that had not begun, then ever smaller stretches of the rest, as long as it goes on
 * failing in the same way. The result is not the least there is, but each fault left is needed.
 *
 * @param run one seed
 * @param maxRuns when to be content with what was found
 */
export async function shrink<Options extends RunWishes>(
  run: (options: Options) => Promise<Outcome>,
  failed: Shrunk<Options>,
  maxRuns: number,
): Promise<Shrunk<Options>> {
  let best = failed;
  let runs = 0;
  const tryWithout = async (places: readonly number[]): Promise<boolean> => {
    runs++;
    const options = { ...best.options, without: [...best.options.without, ...places] };
    const outcome = await run(options);
    if (kindOf(outcome) !== kindOf(failed.outcome)) return false;
    best = { outcome, options };
    return true;
  };
  await tryWithout(unbegun(failed));
  for (let length = left(best).length; length >= 1; length = Math.floor(length / 2)) {
    for (let start = 0; start < left(best).length && runs < maxRuns;) {
      const isNeedless = await tryWithout(left(best).slice(start, start + length));
      if (!isNeedless) start += length;
    }
  }
  return { ...best, options: { ...best.options, without: [...best.options.without].sort((a, b) => a - b) } };
}

/** Which promise was broken: a run with fewer faults that breaks another one is another failure. */
function kindOf({ failure }: Outcome): string | undefined {
  return failure?.message.split(':', 1)[0];
}

function left({ outcome }: Shrunk): readonly number[] {
  return outcome.failure?.faults.map(({ place }) => place) ?? [];
}

function unbegun({ outcome, options }: Shrunk): readonly number[] {
  const planned = (outcome.failure?.plannedFaults ?? 0) + options.without.length;
  const begun = new Set([...left({ outcome, options }), ...options.without]);
  return Array.from({ length: planned }, (_, place) => place).filter((place) => !begun.has(place));
}
