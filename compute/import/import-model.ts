import { openProgram } from '../../protocol/graph/check.js';
import { proveProgram, type ProvenProgram } from '../../protocol/graph/prove.js';
import { calibrate } from './calibrate.js';
import { canonicalise, type InputShapes } from './canonical/canonical.js';
import type { Grid } from './integer/grid.js';
import { lowerNetwork, type Port } from './integer/lower.js';
import type { Precision } from './integer/lowering.js';
import type { Model } from './model.js';
import { malformed } from './model-error.js';
import type { FloatData, Network } from './network/network.js';
import { receptiveMargin } from './network/receptive.js';
import { simplify } from './network/simplify.js';

export interface ImportOptions {
  /** Sizes of inputs that the model leaves open, in the model's order of dimensions. */
  readonly shapes?: InputShapes | undefined;
  /** Inputs like those to come, each a list of one tensor for each input of the network: images with channels last. */
  readonly samples: (network: Network) => readonly (readonly FloatData[])[];
  readonly precision?: Precision | undefined;
  /** What whole numbers of an input or output stand for, by its name. */
  readonly grids?: ReadonlyMap<string, Grid> | undefined;
}

/** A model as a program, with all that tells what its numbers mean. */
export interface ImportedModel {
  readonly network: Network;
  readonly program: ProvenProgram;
  readonly weights: Uint8Array;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly precision: Precision;
  /** Pixels beyond its own that a pixel of the output depends on; undefined where it depends on all, or there is no image. */
  readonly margin: number | undefined;
}

/**
 * From a model to a program of which it is proved that nothing overflows.
 *
 * @throws ModelError where the model is refused, or calibration has nothing to go by; GraphError where its program breaks a limit of the machine
 */
export function importModel(model: Model, options: ImportOptions): ImportedModel {
  const network = simplify(canonicalise(model, options.shapes));
  const samples = options.samples(network);
  const needsSamples = network.inputs.some(({ integer }) => integer === undefined) || samples.length > 0;
  const ranges = calibrate(network, needsSamples ? samples : [zeros(network)]);
  const precision = options.precision ?? 'int8';
  const { graph, weights, inputs, outputs } = lowerNetwork(network, ranges, {
    precision,
    grids: options.grids,
  });
  const program = proveProgram(openProgram(graph), weights);
  return { network, program, weights, inputs, outputs, precision, margin: receptiveMargin(network) };
}

function zeros({ inputs, values }: Network): FloatData[] {
  return inputs.map(({ name, value }) => {
    const shape = values[value]?.shape;
    if (shape === undefined) throw malformed(name, 'an input of no shape');
    return new Float32Array(shape.reduce((product, size) => product * size, 1));
  });
}
