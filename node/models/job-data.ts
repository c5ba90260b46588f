import { extname } from 'node:path';
import { decodeImage, encodePng, MAX_IMAGE_BYTES } from '../../compute/images/codec.js';
import { imageInput, imageOutput, planImage } from '../../compute/images/run-image.js';
import { toElements, toFractions } from '../../compute/import/accuracy.js';
import { readBounded, type ModelManifest, type StoredModel } from '../../compute/import/model-folder.js';
import { readNpy, writeNpy } from '../../compute/import/npy.js';
import { concatBytes } from '../../protocol/bytes.js';
import { isStepGraph } from '../../protocol/graph/graph.js';
import { itemsOf, type JobPlan, type Segmentation } from '../../protocol/graph/segmentation.js';
import { tensorFromBytes, tensorToBytes, type TensorData } from '../../protocol/graph/tensor-data.js';
import { elementCount, tensorBytes } from '../../protocol/graph/tensors.js';
import { ModelRunError } from './executor.js';

/** The input of a job, and how it is cut. */
export interface JobInput {
  readonly segmentation: Segmentation;
  readonly input: Uint8Array;
}

/** The kinds of files that jobs have as input and output. */
type FileKind = 'picture' | 'array' | 'bytes';

const KINDS: Readonly<Record<string, FileKind>> = {
  ...{ '.png': 'picture', '.jpg': 'picture', '.jpeg': 'picture' },
  ...{ '.npy': 'array', '.bin': 'bytes' },
};

/**
 * What files are to a job of a program: a picture is cut into tiles; arrays of NumPy, one for each input, have a row for each item; bytes are as the
 * machine has them.
 *
 * @param margin of tiles; that of the model unless given
 * @throws ModelRunError INPUT_UNFIT; ImageError, ModelError, SegmentationError; errors of the disk as they are
 */
export async function readJobInput(
  stored: StoredModel,
  paths: readonly string[],
  margin: number | undefined,
): Promise<JobInput> {
  const [first = '', ...others] = paths;
  const kind = kindOf(first);
  if (kind === 'array') return rowsOf(stored, paths);
  if (others.length > 0) throw unfit(`one file, not ${paths.length}: only arrays have one for each input`);
  const file = await readBounded(first, MAX_IMAGE_BYTES);
  return kind === 'picture' ? tilesOf(stored, file, margin) : itemsFrom(stored, first, file);
}

function tilesOf({ program, manifest }: StoredModel, file: Uint8Array, wanted: number | undefined): JobInput {
  const margin = wanted ?? manifest.margin;
  if (margin === null) throw unfit('the program is not for tiles of pictures: give arrays (.npy)');
  const image = decodeImage(file);
  const { segmentation } = planImage(program, image, margin);
  return { segmentation, input: imageInput(program, image) };
}

async function rowsOf({ program, manifest }: StoredModel, paths: readonly string[]): Promise<JobInput> {
  if (isStepGraph(program.graph)) throw unfit('a chain of steps takes its state and items as bytes (.bin)');
  if (paths.length !== manifest.inputs.length)
    throw unfit(`${paths.length} files for ${manifest.inputs.length} inputs`);
  const columns: TensorData[] = [];
  for (const [index, port] of manifest.inputs.entries()) {
    const path = paths[index] ?? '';
    const { data } = readNpy(path, await readBounded(path, MAX_IMAGE_BYTES));
    columns.push(toElements(port, data));
  }
  const sizes = manifest.inputs.map(({ shape }) => elementCount(shape));
  const counts = columns.map((column, index) => column.length / (sizes[index] ?? 1));
  const [count = 0] = counts;
  if (!Number.isInteger(count) || count < 1 || counts.some((each) => each !== count))
    throw unfit('arrays with a row for each item, as many in each', {
      inputs: manifest.inputs.map(({ name, shape }) => ({ name, shape })),
    });
  const row = (index: number): Uint8Array[] =>
    columns.map((column, i) => {
      const size = sizes[i] ?? 0;
      return tensorToBytes(column.subarray(index * size, (index + 1) * size));
    });
  const rows = Array.from({ length: count }, (_, index) => row(index));
  return { segmentation: { kind: 'rows', count }, input: concatBytes(...rows.flat()) };
}

function itemsFrom({ program }: StoredModel, path: string, input: Uint8Array): JobInput {
  const isChain = isStepGraph(program.graph);
  const stateBytes = isChain ? program.work.outputBytes : 0;
  const itemBytes = itemsOf(program).reduce((sum, item) => sum + tensorBytes(item), 0);
  const count = (input.length - stateBytes) / itemBytes;
  if (!Number.isInteger(count) || count < 1)
    throw unfit(`${path}: ${input.length} bytes are no items of ${itemBytes} bytes`, {
      itemBytes,
      stateBytes,
    });
  return { segmentation: { kind: isChain ? 'steps' : 'rows', count }, input };
}

/**
 * The file that an output is written as: a picture, an array of the first output in fractions, or bytes as the machine has them.
 *
 * @param manifest what numbers of the program stand for; arrays need it
 * @throws ModelRunError INPUT_UNFIT; ImageError IMAGE_UNFIT
 */
export function outputFile(
  path: string,
  plan: JobPlan,
  output: Uint8Array,
  manifest: ModelManifest | undefined,
): Uint8Array {
  const kind = kindOf(path);
  if (kind === 'bytes') return output;
  if (kind === 'array') return arrayOf(plan, output, manifest);
  if (extname(path) !== '.png') throw unfit('pictures are written as .png');
  return encodePng(imageOutput(plan, output));
}

/** One output: its row of each segment, or of a picture all of it. */
function arrayOf(
  { program, segmentation, segments }: JobPlan,
  output: Uint8Array,
  manifest: ModelManifest | undefined,
): Uint8Array {
  const [port] = manifest?.outputs ?? [];
  const [id = -1] = program.graph.outputs;
  const tensor = program.tensors[id];
  if (port === undefined || tensor === undefined)
    throw unfit('arrays are in fractions, which the model knows', {
      cure: 'name its folder with --model, or write .bin',
    });
  if (segmentation.kind === 'tiles') throw unfit('the job was of a picture: write .png or .bin');
  const count = segmentation.kind === 'steps' ? 1 : segments;
  const { outputBytes } = program.work;
  const rows = Array.from({ length: count }, (_, index) =>
    output.subarray(index * outputBytes, index * outputBytes + tensorBytes(tensor)),
  );
  const data = toFractions(port, tensorFromBytes(tensor.type, concatBytes(...rows)));
  const [batch, ...rest] = port.shape;
  const shape = count === 1 ? port.shape : [count, ...(batch === 1 ? rest : port.shape)];
  return writeNpy({ shape, data });
}

function kindOf(path: string): FileKind {
  const kind = KINDS[extname(path).toLowerCase()];
  if (kind !== undefined) return kind;
  throw unfit(`${path} is none of ${Object.keys(KINDS).join(', ')}`);
}

function unfit(message: string, data: Readonly<Record<string, unknown>> = {}): ModelRunError {
  return new ModelRunError('INPUT_UNFIT', message, data);
}
