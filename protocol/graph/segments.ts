import { invariant } from '../invariant.js';
import { itemsOf, SegmentationError, windowLength, type JobPlan, type TileGrid } from './segmentation.js';
import { tensorFromBytes, tensorToBytes, type TensorData } from './tensor-data.js';
import { sizeAt, tensorBytes, TYPE_BYTES, type TensorType } from './tensors.js';

/**
 * What segment `index` runs on: its items, in the order of the graph's item inputs; of a chain the state is not among them. Windows on
 * `jobInput` where alignment allows.
 *
 * @throws SegmentationError JOB_INPUT_LENGTH
 */
export function segmentItems(plan: JobPlan, jobInput: Uint8Array, index: number): TensorData[] {
  checkInput(plan, jobInput);
  checkIndex(plan, index);
  const { program, segmentation, tiles } = plan;
  if (tiles !== undefined) return [cutTile(plan, tiles, jobInput, index)];
  const items = itemsOf(program);
  const itemBytes = items.reduce((sum, item) => sum + tensorBytes(item), 0);
  if (segmentation.kind === 'windows') {
    const first = index * segmentation.hop * Math.floor(itemBytes / windowLength(program));
    return split(items, jobInput.subarray(first, first + itemBytes));
  }
  const before = segmentation.kind === 'steps' ? plan.outputBytes : 0;
  const first = before + index * itemBytes;
  return split(items, jobInput.subarray(first, first + itemBytes));
}

/** The items of a segment from their bytes, one after the other. @throws SegmentationError JOB_INPUT_LENGTH */
export function itemsFromBytes({ program }: JobPlan, bytes: Uint8Array): TensorData[] {
  const items = itemsOf(program);
  const expected = items.reduce((sum, item) => sum + tensorBytes(item), 0);
  if (bytes.length !== expected) refuseLength(expected, bytes.length);
  return split(items, bytes);
}

/** The state that the first step of a chain starts from. @throws SegmentationError JOB_INPUT_LENGTH */
export function firstState(plan: JobPlan, jobInput: Uint8Array): Uint8Array {
  checkInput(plan, jobInput);
  return jobInput.subarray(0, plan.segmentation.kind === 'steps' ? plan.outputBytes : 0);
}

/** Items and state in the order of the graph's inputs. */
export function segmentInputs(plan: JobPlan, items: readonly TensorData[], state?: Uint8Array): TensorData[] {
  const { inputs } = plan.program.graph;
  const states =
    state === undefined
      ? []
      : split(
          inputs.filter(({ role }) => role === 'state'),
          state,
        );
  const [nextItem, nextState] = [items.values(), states.values()];
  return inputs.flatMap(({ role }) => (role === 'item' ? nextItem : nextState).next().value ?? []);
}

/** A segment's part of the job's output, which is what its leaf commits to: of a chain, the state it leaves; of a tile, what is its own. */
export function segmentPart(plan: JobPlan, outputs: readonly TensorData[], index: number): Uint8Array {
  checkIndex(plan, index);
  if (plan.tiles === undefined) return join(outputs);
  const [output] = outputs;
  invariant(output !== undefined, 'a tile has an output');
  const { box, rowBytes } = partBox(plan, plan.tiles, index);
  const { tile, margin } = partOffset(plan, plan.tiles);
  const bytes = tensorToBytes(output);
  const part = new Uint8Array(box.height * rowBytes);
  for (let row = 0; row < box.height; row++) {
    const from = ((margin.top + row) * tile.width + margin.left) * tile.pixelBytes;
    part.set(bytes.subarray(from, from + rowBytes), row * rowBytes);
  }
  return part;
}

/** Writes a segment's part where it belongs in the output of a job; of a chain, only the last has a place. */
export function placePart(plan: JobPlan, jobOutput: Uint8Array, part: Uint8Array, index: number): void {
  invariant(jobOutput.length === plan.outputBytes, 'the output of the job');
  eachRun(plan, index, (at, from, length) => {
    jobOutput.set(part.subarray(from, from + length), at);
  });
}

/** A segment's part of the whole output of a batch: whoever has the output can recompute every leaf. */
export function readPart(plan: JobPlan, jobOutput: Uint8Array, index: number): Uint8Array {
  invariant(jobOutput.length === plan.outputBytes, 'the output of the job');
  const runs: Uint8Array[] = [];
  eachRun(plan, index, (at, _, length) => runs.push(jobOutput.subarray(at, at + length)));
  return join(runs);
}

/** Runs of bytes of the job's output that a part is made of, with their places in both. */
function eachRun(
  plan: JobPlan,
  index: number,
  visit: (at: number, from: number, length: number) => void,
): void {
  checkIndex(plan, index);
  const { tiles, segmentation, program } = plan;
  const { outputBytes } = program.work;
  if (segmentation.kind === 'steps') {
    if (index === plan.segments - 1) visit(0, 0, outputBytes);
    return;
  }
  if (tiles === undefined) {
    visit(index * outputBytes, 0, outputBytes);
    return;
  }
  const { box, rowBytes } = partBox(plan, tiles, index);
  const { tile, imageWidth } = partOffset(plan, tiles);
  for (let row = 0; row < box.height; row++)
    visit(((box.top + row) * imageWidth + box.left) * tile.pixelBytes, row * rowBytes, rowBytes);
}

interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Where on the output image a tile's part lies, in pixels. */
function partBox(plan: JobPlan, tiles: TileGrid, index: number): { box: Box; rowBytes: number } {
  const { height, width } = imageSize(plan);
  const { innerHeight, innerWidth, scaleHeight, scaleWidth, output } = tiles;
  const top = Math.floor(index / tiles.columns) * innerHeight;
  const left = (index % tiles.columns) * innerWidth;
  const box = {
    top: top * scaleHeight,
    left: left * scaleWidth,
    height: Math.min(innerHeight, height - top) * scaleHeight,
    width: Math.min(innerWidth, width - left) * scaleWidth,
  };
  return { box, rowBytes: box.width * pixelBytes(output) };
}

function partOffset(
  plan: JobPlan,
  { output, scaleHeight, scaleWidth }: TileGrid,
): {
  tile: { width: number; pixelBytes: number };
  margin: { top: number; left: number };
  imageWidth: number;
} {
  const { width, margin } = imageSize(plan);
  return {
    tile: { width: sizeAt(output.shape, 2), pixelBytes: pixelBytes(output) },
    margin: { top: margin * scaleHeight, left: margin * scaleWidth },
    imageWidth: width * scaleWidth,
  };
}

/** A tile with its margins; beyond the edge of the image the nearest pixel is repeated. */
function cutTile(plan: JobPlan, tiles: TileGrid, image: Uint8Array, index: number): TensorData {
  const { height, width, margin } = imageSize(plan);
  const [, tileHeight = 0, tileWidth = 0] = tiles.input.shape;
  const size = pixelBytes(tiles.input);
  const top = Math.floor(index / tiles.columns) * tiles.innerHeight - margin;
  const left = (index % tiles.columns) * tiles.innerWidth - margin;
  const tile = new Uint8Array(tensorBytes(tiles.input));
  let at = 0;
  for (let row = 0; row < tileHeight; row++) {
    const imageRow = Math.min(Math.max(top + row, 0), height - 1) * width;
    for (let column = 0; column < tileWidth; column++) {
      const from = (imageRow + Math.min(Math.max(left + column, 0), width - 1)) * size;
      for (let i = 0; i < size; i++) tile[at++] = image[from + i] ?? 0;
    }
  }
  return tensorFromBytes(tiles.input.type, tile);
}

function imageSize({ segmentation }: JobPlan): { height: number; width: number; margin: number } {
  invariant(segmentation.kind === 'tiles', 'only tiles lie on an image');
  return segmentation;
}

function pixelBytes({ type, shape }: TensorType): number {
  return sizeAt(shape, 3) * TYPE_BYTES[type];
}

function split(tensors: readonly TensorType[], bytes: Uint8Array): TensorData[] {
  let offset = 0;
  return tensors.map((tensor) => {
    const end = offset + tensorBytes(tensor);
    const data = tensorFromBytes(tensor.type, bytes.subarray(offset, end));
    offset = end;
    return data;
  });
}

function join(parts: readonly TensorData[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(tensorToBytes(part), offset);
    offset += part.byteLength;
  }
  return joined;
}

function checkInput({ inputBytes }: JobPlan, jobInput: Uint8Array): void {
  if (jobInput.length !== inputBytes) refuseLength(inputBytes, jobInput.length);
}

function refuseLength(expected: number, received: number): never {
  const message = `an input of ${received} bytes is not ${expected}`;
  throw new SegmentationError('JOB_INPUT_LENGTH', message, { expected, received });
}

function checkIndex({ segments }: JobPlan, index: number): void {
  invariant(Number.isInteger(index) && index >= 0 && index < segments, 'a segment of the job');
}
