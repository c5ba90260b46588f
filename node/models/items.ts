import { extname } from 'node:path';
import { decodeImage, encodePng, MAX_IMAGE_BYTES } from '../../compute/images/codec.js';
import { runImage } from '../../compute/images/run-image.js';
import { toElements, toFractions } from '../../compute/import/accuracy.js';
import { readBounded, type StoredModel } from '../../compute/import/model-folder.js';
import { readNpy, writeNpy } from '../../compute/import/npy.js';
import { runSegments, type Executor, type SegmentsResult } from '../../compute/run-segments.js';
import { elementCount } from '../../protocol/graph/tensors.js';
import type { TensorData } from '../../protocol/graph/tensor-data.js';
import { checkCompleted, ModelRunError } from './executor.js';

export interface RunModel {
  readonly stored: StoredModel;
  readonly executor: Executor;
  readonly wallMs: number;
  readonly onProgress: (done: number, total: number) => void;
}

/** What a program made: a file of it, and what computed. */
export interface RunResult {
  readonly file: Uint8Array;
  readonly segments: number;
  readonly ranOn: SegmentsResult['ranOn'];
  readonly wallMs: number;
}

/**
 * Runs a program on files: on a picture tile by tile, or on arrays of NumPy, one for each input, as one segment.
 *
 * @throws ModelRunError RUN_FAILED | INPUT_UNFIT; ImageError, ModelError of files
 */
export async function runFiles(run: RunModel, paths: readonly string[]): Promise<RunResult> {
  const [first = ''] = paths;
  return extname(first) === '.npy' ? runArrays(run, paths) : runPicture(run, first);
}

async function runPicture({ stored, ...run }: RunModel, path: string): Promise<RunResult> {
  const { program, weights, manifest } = stored;
  if (manifest.margin === null)
    throw new ModelRunError('INPUT_UNFIT', 'the program is not for tiles of pictures: give arrays (.npy)');
  const image = decodeImage(await readBounded(path, MAX_IMAGE_BYTES));
  const result = await runImage({ ...run, program, weights, image, margin: manifest.margin });
  checkCompleted(result);
  const file = result.image === undefined ? new Uint8Array() : encodePng(result.image);
  return { file, segments: result.plan.segments, ranOn: result.ranOn, wallMs: result.outcome.wallMs };
}

async function runArrays({ stored, ...run }: RunModel, paths: readonly string[]): Promise<RunResult> {
  const { program, weights, manifest } = stored;
  const items = await readItems(stored, paths);
  let outputs: readonly TensorData[] = [];
  const result = await runSegments({
    ...run,
    program,
    weights,
    segments: [items],
    onOutputs: (_, made) => void (outputs = made),
  });
  checkCompleted(result);
  const [port] = manifest.outputs;
  const [data] = outputs;
  const file =
    port === undefined || data === undefined
      ? new Uint8Array()
      : writeNpy({ shape: port.shape, data: toFractions(port, data) });
  return { file, segments: 1, ranOn: result.ranOn, wallMs: result.outcome.wallMs };
}

/** Elements of each input from an array of fractions. */
async function readItems({ manifest }: StoredModel, paths: readonly string[]): Promise<TensorData[]> {
  if (paths.length !== manifest.inputs.length)
    throw new ModelRunError('INPUT_UNFIT', `${paths.length} files for ${manifest.inputs.length} inputs`, {
      inputs: manifest.inputs.map(({ name, shape }) => ({ name, shape })),
    });
  const items: TensorData[] = [];
  for (const [index, port] of manifest.inputs.entries()) {
    const path = paths[index] ?? '';
    const { shape, data } = readNpy(path, await readBounded(path, MAX_IMAGE_BYTES));
    if (data.length !== elementCount(port.shape))
      throw new ModelRunError(
        'INPUT_UNFIT',
        `${path} of ${shape.join('×')} is no ${port.name} of ${port.shape.join('×')}`,
      );
    items.push(toElements(port, data));
  }
  return items;
}
