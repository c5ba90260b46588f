import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { encodeGraph } from '../../protocol/graph/encode.js';
import { MAX_IMAGE_BYTES } from '../images/codec.js';
import { moduleUrl } from '../sandbox/code.js';
import { runInSandbox } from '../sandbox/sandbox.js';
import type { Accuracy } from './accuracy.js';
import type { ImportReport, ImportSettings } from './import-program.js';
import { MAX_MODEL_BYTES } from './limits.js';
import { ModelError, tooLarge, unsupported, type ModelErrorCode } from './model-error.js';
import { readBounded, type ModelManifest, type StoredModel } from './model-folder.js';
import { MAX_TOPOLOGY_BYTES, shardNames } from './tfjs/parse.js';

export interface FileImport {
  /** An `.onnx` file, a `model.json` of TensorFlow.js, or a folder that has one. */
  readonly path: string;
  /** Files, or folders of files, of inputs like those to come. */
  readonly samples: readonly { readonly input?: string | undefined; readonly path: string }[];
  readonly settings: Pick<ImportSettings, 'shapes' | 'pixels' | 'precision' | 'pictures' | 'grids'>;
  readonly wallMs: number;
  readonly memoryBytes: number;
}

export interface FileImported {
  readonly graph: Uint8Array;
  readonly weights: Uint8Array;
  readonly manifest: ModelManifest;
  /** On the first samples. */
  readonly accuracy: readonly Accuracy[];
}

const PROGRAM = moduleUrl('compute/import/import-program.js');
const MAX_SAMPLES = 4096;
const SAMPLE_KINDS = new Set(['.png', '.jpg', '.jpeg', '.npy']);

/**
 * Imports a model from its files in a process of its own, which reads them: a file that is a trap catches nothing.
 *
 * @throws ModelError with what is refused, all of it at once; SandboxError; errors of the disk as they are
 */
export async function importFile(job: FileImport): Promise<FileImported> {
  const { report, parts } = await runImport(job, undefined);
  const [graph, weights] = parts;
  if (!('manifest' in report) || graph === undefined || weights === undefined)
    throw new ModelError('MODEL_IMPORT_FAILED', 'the import ended without a program');
  return { graph, weights, manifest: report.manifest, accuracy: report.accuracy };
}

/** How near a stored program is to the model it was made from. @throws as `importFile` */
export async function measureFile(
  job: FileImport,
  stored: StoredModel,
): Promise<{ readonly accuracy: readonly Accuracy[]; readonly samples: number }> {
  const { report } = await runImport(job, stored);
  if (!('samples' in report))
    throw new ModelError('MODEL_IMPORT_FAILED', 'the measurement ended without a result');
  return report;
}

async function runImport(
  job: FileImport,
  measured: StoredModel | undefined,
): Promise<{
  readonly report: Exclude<ImportReport, { refused: unknown }>;
  readonly parts: readonly Uint8Array[];
}> {
  const model = await readModelFiles(job.path);
  const samples = await readSampleFiles(job.samples);
  const settings: ImportSettings = {
    ...job.settings,
    format: model.format,
    files: model.files.map(({ name }) => name),
    samples: samples.map(({ input, name }) => (input === undefined ? { name } : { input, name })),
    measured: measured?.manifest,
  };
  const extra = measured === undefined ? [] : [encodeGraph(measured.program.graph), measured.weights];
  const results: Uint8Array[] = [];
  const outcome = await runInSandbox({
    program: PROGRAM,
    inputs: [...model.files.map(({ bytes }) => bytes), ...samples.map(({ bytes }) => bytes), ...extra],
    settings,
    limits: { memoryBytes: job.memoryBytes, wallMs: job.wallMs, outputBytes: MAX_MODEL_BYTES, vramBytes: 0 },
    onSegment: (_, bytes) => void results.push(bytes),
  });
  const [first, ...parts] = results;
  if (outcome.kind !== 'completed' || first === undefined)
    throw new ModelError('MODEL_IMPORT_FAILED', `the import ended as ${outcome.kind}`, { outcome });
  const report = JSON.parse(new TextDecoder().decode(first)) as ImportReport;
  if (!('refused' in report)) return { report, parts };
  const { code, message, data } = report.refused;
  throw new ModelError(code as ModelErrorCode, message, data);
}

interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

async function readModelFiles(
  path: string,
): Promise<{ format: 'onnx' | 'tfjs'; files: readonly NamedBytes[] }> {
  const isFolder = (await stat(path)).isDirectory();
  if (!isFolder && extname(path) === '.onnx')
    return {
      format: 'onnx',
      files: [{ name: basename(path), bytes: await readBounded(path, MAX_MODEL_BYTES) }],
    };
  const json = isFolder ? join(path, 'model.json') : path;
  if (extname(json) !== '.json')
    throw unsupported(basename(path), 'a file that is neither .onnx nor model.json');
  const topology = await readBounded(json, MAX_TOPOLOGY_BYTES);
  const files: NamedBytes[] = [{ name: 'model.json', bytes: topology }];
  let left = MAX_MODEL_BYTES;
  for (const name of new Set(shardNames(topology))) {
    const bytes = await readBounded(join(dirname(json), name), left);
    left -= bytes.length;
    files.push({ name, bytes });
  }
  return { format: 'tfjs', files };
}

async function readSampleFiles(
  samples: FileImport['samples'],
): Promise<(NamedBytes & { input?: string | undefined })[]> {
  const found: (NamedBytes & { input?: string | undefined })[] = [];
  for (const { input, path } of samples) {
    const isFolder = (await stat(path)).isDirectory();
    const names = isFolder
      ? (await readdir(path)).filter((name) => SAMPLE_KINDS.has(extname(name))).sort()
      : [''];
    for (const name of names) {
      if (found.length >= MAX_SAMPLES) throw tooLarge(path, 'samples', MAX_SAMPLES);
      const file = name === '' ? path : join(path, name);
      if (!SAMPLE_KINDS.has(extname(file)))
        throw unsupported(file, 'a sample that is neither PNG, JPEG nor .npy');
      found.push({ input, name: basename(file), bytes: await readBounded(file, MAX_IMAGE_BYTES) });
    }
  }
  return found;
}
