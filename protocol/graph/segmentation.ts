import { OgpuError } from '../errors.js';
import { createCodec } from '../ssz/codec.js';
import { ContainerType, uint32, unionOf } from '../ssz/types.js';
import type { Program } from './check.js';
import { isStepGraph, type GraphInput } from './graph.js';
import { MAX_SEGMENTS } from './limits.js';
import { sizeAt, tensorBytes, type TensorType } from './tensors.js';

/**
 * How the input of a job is cut into segments.
 *
 * - `rows`: `count` items one after the other
 * - `windows`: a sequence of `length` steps; a window of the program's input begins at every `hop`-th
 * - `tiles`: an image of `height` by `width` pixels; tiles overlap by `margin` pixels on each side, and their outputs lose as much
 * - `steps`: a state, then `count` items, one for each step of the chain
 */
export type Segmentation =
  | { readonly kind: 'rows'; readonly count: number }
  | { readonly kind: 'windows'; readonly length: number; readonly hop: number }
  | { readonly kind: 'tiles'; readonly height: number; readonly width: number; readonly margin: number }
  | { readonly kind: 'steps'; readonly count: number };

/** A program and a segmentation do not fit each other. */
export class SegmentationError extends OgpuError<
  'SEGMENTATION_UNFIT' | 'SEGMENT_COUNT' | 'JOB_INPUT_LENGTH'
> {}

/** A job's input and output, and how segments lie in them. All sizes are in bytes, the grid is in tiles. */
export interface JobPlan {
  readonly program: Program;
  readonly segmentation: Segmentation;
  readonly segments: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly tiles: TileGrid | undefined;
}

/** Tiles of an image in rows; a pixel of the input becomes `scaleHeight` × `scaleWidth` pixels of the output. */
export interface TileGrid {
  readonly rows: number;
  readonly columns: number;
  /** What of a tile is its own, margins taken off. */
  readonly innerHeight: number;
  readonly innerWidth: number;
  readonly scaleHeight: number;
  readonly scaleWidth: number;
  readonly input: TensorType;
  readonly output: TensorType;
}

/** @throws SegmentationError SEGMENTATION_UNFIT | SEGMENT_COUNT */
export function planJob(program: Program, segmentation: Segmentation): JobPlan {
  const isChain = segmentation.kind === 'steps';
  if (isStepGraph(program.graph) !== isChain)
    refuse(`${segmentation.kind} do not suit a program ${isChain ? 'without' : 'with'} state`);
  const plan = planOf(program, segmentation);
  if (plan.segments < 1 || plan.segments > MAX_SEGMENTS)
    throw new SegmentationError('SEGMENT_COUNT', `${plan.segments} segments are not 1 to ${MAX_SEGMENTS}`, {
      segments: plan.segments,
      max: MAX_SEGMENTS,
    });
  return plan;
}

function planOf(program: Program, segmentation: Segmentation): JobPlan {
  const { outputBytes } = program.work;
  const itemBytes = itemsOf(program).reduce((sum, item) => sum + tensorBytes(item), 0);
  const common = { program, segmentation, tiles: undefined };
  switch (segmentation.kind) {
    case 'rows': {
      const { count } = segmentation;
      return { ...common, segments: count, inputBytes: count * itemBytes, outputBytes: count * outputBytes };
    }
    case 'steps': {
      const { count } = segmentation;
      return { ...common, segments: count, inputBytes: outputBytes + count * itemBytes, outputBytes };
    }
    case 'windows': {
      const { length, hop } = segmentation;
      const window = windowLength(program);
      if (hop < 1 || length < window) refuse(`a sequence of ${length} by ${hop} has no window of ${window}`);
      const segments = Math.floor((length - window) / hop) + 1;
      const stepBytes = Math.floor(itemBytes / window);
      return { ...common, segments, inputBytes: length * stepBytes, outputBytes: segments * outputBytes };
    }
    case 'tiles': {
      const tiles = tileGrid(program, segmentation);
      const { height, width } = segmentation;
      const input = { ...tiles.input, shape: [height, width, sizeAt(tiles.input.shape, 3)] };
      const pixels = [height * tiles.scaleHeight, width * tiles.scaleWidth, sizeAt(tiles.output.shape, 3)];
      return {
        ...common,
        tiles,
        segments: tiles.rows * tiles.columns,
        inputBytes: tensorBytes(input),
        outputBytes: tensorBytes({ ...tiles.output, shape: pixels }),
      };
    }
  }
}

/** Inputs that differ from segment to segment. */
export function itemsOf({ graph }: Program): GraphInput[] {
  return graph.inputs.filter(({ role }) => role === 'item');
}

/** Steps of a sequence in one window: the second dimension of the program's only input, [1, steps, …]. */
export function windowLength(program: Program): number {
  const [input, ...others] = program.graph.inputs;
  if (input === undefined || others.length > 0 || input.shape.length < 2 || input.shape[0] !== 1)
    return refuse('windows need a program of one input [1, steps, …]');
  return sizeAt(input.shape, 1);
}

function tileGrid(
  { graph, tensors }: Program,
  { height, width, margin }: Extract<Segmentation, { kind: 'tiles' }>,
): TileGrid {
  const [input, ...otherInputs] = graph.inputs;
  const [outputId = -1, ...otherOutputs] = graph.outputs;
  const output = tensors[outputId];
  const others = otherInputs.length + otherOutputs.length;
  if (input === undefined || output === undefined || others > 0 || !isImage(input) || !isImage(output))
    return refuse('tiles need a program of one input and one output [1, height, width, channels]');
  const [, tileHeight = 0, tileWidth = 0] = input.shape;
  const [, outHeight = 0, outWidth = 0] = output.shape;
  const [innerHeight, innerWidth] = [tileHeight - 2 * margin, tileWidth - 2 * margin];
  if (innerHeight < 1 || innerWidth < 1 || height < 1 || width < 1)
    refuse(`margins of ${margin} leave nothing of tiles of ${tileHeight}×${tileWidth}`);
  if (outHeight % tileHeight !== 0 || outWidth % tileWidth !== 0)
    refuse(`a tile of ${tileHeight}×${tileWidth} becomes ${outHeight}×${outWidth}, not a multiple of it`);
  return {
    rows: Math.ceil(height / innerHeight),
    columns: Math.ceil(width / innerWidth),
    innerHeight,
    innerWidth,
    scaleHeight: Math.floor(outHeight / tileHeight),
    scaleWidth: Math.floor(outWidth / tileWidth),
    input,
    output,
  };
}

function isImage({ shape }: TensorType): boolean {
  return shape.length === 4 && shape[0] === 1;
}

function refuse(message: string): never {
  throw new SegmentationError('SEGMENTATION_UNFIT', message);
}

const KINDS = ['rows', 'windows', 'tiles', 'steps'] as const;

/** How many numbers each kind has. */
const NUMBERS = [1, 2, 3, 1];

const codec = createCodec(
  'Segmentation',
  unionOf([
    new ContainerType({ count: uint32 }),
    new ContainerType({ length: uint32, hop: uint32 }),
    new ContainerType({ height: uint32, width: uint32, margin: uint32 }),
    new ContainerType({ count: uint32 }),
  ]),
);

/** @throws SszError where a number is not one of 32 bits */
export function encodeSegmentation({ kind, ...value }: Segmentation): Uint8Array {
  return codec.encode({ selector: KINDS.indexOf(kind), value });
}

/** As calls and views of the ledger have it: the encoding, and zeros. 32 bytes. */
export function segmentationWord(segmentation: Segmentation): Uint8Array {
  const word = new Uint8Array(32);
  word.set(encodeSegmentation(segmentation));
  return word;
}

/** @throws SszError for anything but the one word of a segmentation */
export function readSegmentationWord(word: Uint8Array): Segmentation {
  const end = word.findLastIndex((byte) => byte !== 0) + 1;
  const numbers = NUMBERS[word[0] ?? 0] ?? 0;
  return decodeSegmentation(word.subarray(0, Math.max(end, 1 + 4 * numbers)));
}

/** @throws SszError for anything but the one encoding of a segmentation */
export function decodeSegmentation(bytes: Uint8Array): Segmentation {
  const { selector, value } = codec.decode(bytes);
  return { kind: KINDS[selector], ...value } as Segmentation;
}
