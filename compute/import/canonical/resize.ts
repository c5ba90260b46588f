import { nearestTaps } from '../../reference/resize.js';
import { malformed, unsupported } from '../model-error.js';
import type { LayerAttributes } from '../network/network.js';
import type { NodeContext, Rule } from './context.js';

type Grid = LayerAttributes['resize']['grid'];

const GRIDS: readonly Grid[] = ['asymmetric', 'halfPixel', 'alignCorners'];

/** Both the operator of now and the two that came before it. */
export const resize: Rule = (node) => {
  const x = node.input(0);
  const image = node.spatial(x);
  const scales = node.optionalNumbers(node.inputCount === 2 ? 1 : 2, 'scales') ?? node.list('scales') ?? [];
  const sizes = node.optionalNumbers(3, 'sizes') ?? [];
  if (node.number('antialias', 0) === 1) throw unsupported(node.where, 'antialiasing');
  if (node.list('axes') !== undefined) throw unsupported(node.where, 'a choice of dimensions');
  if (sizes.length > 0 && node.text('keep_aspect_ratio_policy', 'stretch') !== 'stretch')
    throw unsupported(node.where, 'sizes that keep the aspect');
  const [batch = 1, inputHeight = 1, inputWidth = 1, channels = 1] = node.builder.shapeOf(image);
  const order = node.isChannelsFirst ? [0, 2, 3, 1] : [0, 1, 2, 3];
  const input = [batch, inputHeight, inputWidth, channels];
  const output = input.map((size, place) => {
    const at = order[place] ?? 0;
    return sizes.length > 0 ? (sizes[at] ?? 0) : Math.floor(size * (scales[at] ?? 0) + 1e-6);
  });
  const [outBatch, height = 0, width = 0, outChannels] = output;
  if (outBatch !== batch || outChannels !== channels || height < 1 || width < 1)
    throw malformed(node.where, `${input.join('×')} is not resized to ${output.join('×')}`);
  const factors = [1, 2].map((place) => {
    const scale = sizes.length > 0 ? undefined : scales[order[place] ?? 0];
    return scale ?? (output[place] ?? 1) / (input[place] ?? 1);
  });
  const lines: readonly Line[] = [
    { input: inputHeight, output: height, scale: factors[0] ?? 1 },
    { input: inputWidth, output: width, scale: factors[1] ?? 1 },
  ];
  const mode = node.text('mode', 'nearest');
  const attributes = { height, width, ...gridOf(node, mode, lines) };
  return node.fromSpatial(node.add('resize', [image], attributes), x.rank);
};

interface Line {
  readonly input: number;
  readonly output: number;
  readonly scale: number;
}

function gridOf(
  node: NodeContext,
  mode: string,
  lines: readonly Line[],
): Pick<LayerAttributes['resize'], 'mode' | 'grid'> {
  const old = node.model.opset < 11 ? 'asymmetric' : 'half_pixel';
  const coordinates = node.text('coordinate_transformation_mode', old);
  if (mode === 'nearest') {
    const rounding = node.text('nearest_mode', node.model.opset < 11 ? 'floor' : 'round_prefer_floor');
    const grid = GRIDS.find((each) =>
      lines.every((line) => {
        const { first } = nearestTaps(line.input, line.output, each);
        return first.every((place, at) => place === nearestPlace(at, line, coordinates, rounding));
      }),
    );
    if (grid !== undefined) return { mode: 'nearest', grid };
    throw unsupported(node.where, `nearest by ${coordinates} and ${rounding} at this size`);
  }
  if (mode !== 'linear') throw unsupported(node.where, `interpolation by ${mode}`);
  const isEven = lines.every(({ input, output, scale }) => Math.abs(input * scale - output) < 1e-4);
  const grid = (
    { half_pixel: 'halfPixel', asymmetric: 'asymmetric', align_corners: 'alignCorners' } as const
  )[
    coordinates === 'pytorch_half_pixel' && lines.every(({ output }) => output > 1)
      ? 'half_pixel'
      : coordinates
  ];
  if (grid === undefined || !isEven)
    throw unsupported(node.where, `linear by ${coordinates} with sizes that do not follow from scales`);
  return { mode: 'bilinear', grid };
}

function nearestPlace(
  at: number,
  { input, output, scale }: Line,
  coordinates: string,
  rounding: string,
): number {
  const half = (at + 0.5) / scale - 0.5;
  const place = {
    half_pixel: half,
    pytorch_half_pixel: output > 1 ? half : 0,
    half_pixel_symmetric: half + (input - output / scale) / 2,
    asymmetric: at / scale,
    align_corners: output === 1 ? 0 : (at * (input - 1)) / (output - 1),
    tf_half_pixel_for_nn: (at + 0.5) / scale,
  }[coordinates];
  if (place === undefined) return NaN;
  const rounded = {
    floor: Math.floor(place),
    ceil: Math.ceil(place),
    round_prefer_floor: Math.ceil(place - 0.5),
    round_prefer_ceil: Math.floor(place + 0.5),
  }[rounding];
  return Math.min(Math.max(rounded ?? NaN, 0), input - 1);
}
