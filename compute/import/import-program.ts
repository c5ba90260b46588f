/** Program for the sandbox: imports a model, or measures a program against the model it came from. Files are hostile; here they harm nothing. */
import { z } from 'zod';
import { toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import { openProgram } from '../../protocol/graph/check.js';
import { decodeGraph, encodeGraph } from '../../protocol/graph/encode.js';
import { proveProgram } from '../../protocol/graph/prove.js';
import { DATA_TYPES } from '../../protocol/graph/tensors.js';
import type { ProgramContext } from '../sandbox/program.js';
import { measureAccuracy } from './accuracy.js';
import { canonicalise } from './canonical/canonical.js';
import { importModel, type ImportedModel } from './import-model.js';
import { PRECISIONS } from './integer/lowering.js';
import type { Model } from './model.js';
import { manifestSchema, type ModelManifest } from './model-folder.js';
import { simplify } from './network/simplify.js';
import { parseOnnx } from './onnx/parse.js';
import { readSamples, type SampleFile } from './samples.js';
import { parseTfjs } from './tfjs/parse.js';

const grid = z.object({ type: z.enum(DATA_TYPES), scale: z.number().positive(), zero: z.int() });

export const settingsSchema = z.object({
  format: z.enum(['onnx', 'tfjs']),
  /** Names of the inputs that are files of the model, first among the inputs. */
  files: z.array(z.string()).min(1).max(4096),
  /** Names of those after them. */
  samples: z.array(z.object({ input: z.string().optional(), name: z.string() })).max(4096),
  shapes: z.record(z.string(), z.array(z.int().min(1)).max(8)),
  pixels: z.object({ low: z.number(), high: z.number() }),
  precision: z.enum(PRECISIONS),
  /** Inputs and outputs that are pictures in bytes. */
  pictures: z.boolean(),
  grids: z.record(z.string(), grid),
  /** Measure this program, whose graph and weights come last, instead of making one. */
  measured: manifestSchema.optional(),
});

export type ImportSettings = z.infer<typeof settingsSchema>;

/** The first result: a JSON of this. Graph and weights follow where a program was made. */
export type ImportReport =
  | {
      readonly refused: {
        readonly code: string;
        readonly message: string;
        readonly data: Readonly<Record<string, unknown>>;
      };
    }
  | { readonly manifest: ModelManifest; readonly accuracy: ReturnType<typeof measureAccuracy> }
  | { readonly accuracy: ReturnType<typeof measureAccuracy>; readonly samples: number };

export async function run(context: ProgramContext): Promise<void> {
  const emitReport = (report: ImportReport): Promise<void> =>
    context.emit(0, new TextEncoder().encode(JSON.stringify(report)));
  try {
    const settings = settingsSchema.parse(context.settings);
    const model = parse(settings, context.inputs);
    if (settings.measured !== undefined)
      await measure(context, settings, model, settings.measured, emitReport);
    else await make(context, settings, model, emitReport);
  } catch (error) {
    if (!(error instanceof OgpuError)) throw error;
    const { message, data } = error;
    await emitReport({ refused: { code: String(error.code), message, data } });
  }
}

type Emit = (report: ImportReport) => Promise<void>;

async function make(
  context: ProgramContext,
  settings: ImportSettings,
  model: Model,
  emitReport: Emit,
): Promise<void> {
  let samples: ReturnType<typeof readSamples> = [];
  const imported = importModel(model, {
    shapes: new Map(Object.entries(settings.shapes)),
    precision: settings.precision,
    grids: gridsOf(settings, model),
    samples: (network) => {
      if (settings.samples.length > 0)
        samples = readSamples(network, sampleFiles(settings, context.inputs), settings.pixels);
      return samples;
    },
  });
  const accuracy = measureAccuracy(imported, samples.slice(0, MEASURED));
  await emitReport({ manifest: manifestOf(imported, settings, context.inputs, samples.length), accuracy });
  await context.emit(1, encodeGraph(imported.program.graph));
  await context.emit(2, imported.weights);
}

/** Samples that a fresh program is measured on. */
const MEASURED = 4;

async function measure(
  context: ProgramContext,
  settings: ImportSettings,
  model: Model,
  manifest: ModelManifest,
  emitReport: Emit,
): Promise<void> {
  const network = simplify(canonicalise(model, new Map(Object.entries(settings.shapes))));
  const samples = readSamples(network, sampleFiles(settings, context.inputs), settings.pixels);
  const [graph = new Uint8Array(), weights = new Uint8Array()] = context.inputs.slice(-2);
  const program = proveProgram(openProgram(decodeGraph(graph)), weights);
  const accuracy = measureAccuracy(
    { network, program, inputs: manifest.inputs, outputs: manifest.outputs },
    samples,
  );
  await emitReport({ accuracy, samples: samples.length });
}

function parse({ format, files }: ImportSettings, inputs: readonly Uint8Array[]): Model {
  const [first = new Uint8Array()] = inputs;
  if (format === 'onnx') return parseOnnx(first);
  return parseTfjs(
    first,
    new Map(files.slice(1).map((name, i) => [name, inputs[i + 1] ?? new Uint8Array()])),
  );
}

function sampleFiles({ files, samples }: ImportSettings, inputs: readonly Uint8Array[]): SampleFile[] {
  return samples.map((sample, i) => ({ ...sample, bytes: inputs[files.length + i] ?? new Uint8Array() }));
}

/** Pictures are bytes as they are, from the least to the greatest number that the model has for a pixel. */
function gridsOf(
  { pictures, pixels, grids }: ImportSettings,
  model: Model,
): ReadonlyMap<string, ImportSettings['grids'][string]> {
  const scale = (pixels.high - pixels.low) / 255;
  const bytes = { type: 'uint8', scale, zero: Math.round(-pixels.low / scale) } as const;
  const ports = pictures ? [...model.inputs, ...model.outputs] : [];
  return new Map([...ports.map(({ name }) => [name, bytes] as const), ...Object.entries(grids)]);
}

function manifestOf(
  { program, inputs, outputs, precision, margin }: ImportedModel,
  { files }: ImportSettings,
  given: readonly Uint8Array[],
  samples: number,
): ModelManifest {
  return {
    format: 'ogpu-model',
    version: 1,
    program: toHex(program.hash),
    weights: toHex(program.graph.weightsHash),
    inputs: inputs.map((port) => ({ ...port, shape: [...port.shape] })),
    outputs: outputs.map((port) => ({ ...port, shape: [...port.shape] })),
    precision,
    margin: margin ?? null,
    source: Object.fromEntries(files.map((name, i) => [name, toHex(sha256(given[i] ?? new Uint8Array()))])),
    samples,
  };
}
