import { ModelError } from './model-error.js';
import type { FloatData, Network, ValueId } from './network/network.js';
import { runNetwork } from './float/run.js';
import type { Interval } from './integer/grid.js';

/** Least and greatest of every value over all inputs shown. */
export type Ranges = ReadonlyMap<ValueId, Interval>;

/** Runs a network on each sample and remembers how far its values reach. @throws ModelError where a value is no number, or nothing is shown */
export function calibrate(network: Network, samples: readonly (readonly FloatData[])[]): Ranges {
  if (samples.length === 0)
    throw new ModelError('MODEL_CALIBRATION', 'no inputs to calibrate with', {
      cure: 'give inputs like those to come',
    });
  const ranges = new Map<ValueId, Interval>();
  const where = new Map(network.layers.map((layer) => [layer.output, layer.where]));
  for (const sample of samples)
    runNetwork(network, sample, (value, data) => {
      let { min, max } = ranges.get(value) ?? { min: Infinity, max: -Infinity };
      let isNumber = true;
      for (const element of data) {
        if (element < min) min = element;
        if (element > max) max = element;
        if (Number.isNaN(element)) isNumber = false;
      }
      if (!isNumber || !Number.isFinite(min) || !Number.isFinite(max))
        throw new ModelError(
          'MODEL_CALIBRATION',
          `${where.get(value) ?? 'an input'}: a value that is no number`,
          {
            where: where.get(value),
          },
        );
      ranges.set(value, { min, max });
    });
  return ranges;
}
