import { writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Accuracy } from '../../compute/import/accuracy.js';
import { importFile, measureFile, type FileImport } from '../../compute/import/import-file.js';
import { PRECISIONS, type Precision } from '../../compute/import/integer/lowering.js';
import { readModelFolder, writeModelFolder, type ModelManifest } from '../../compute/import/model-folder.js';
import { toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { formatOgpu, OGPU_DECIMALS, parseAmountWei } from '../../protocol/amounts.js';
import {
  describeRan,
  EXECUTORS,
  ModelRunError,
  openExecutor,
  type ExecutorName,
} from '../models/executor.js';
import { inspectProgram } from '../models/inspection.js';
import { runFiles } from '../models/items.js';
import { compareExecutors } from '../models/verification.js';
import { showProgress } from '../progress.js';
import {
  examples,
  formatRows,
  formatTable,
  integerBetween,
  parsedBy,
  print,
  PROCESS_CONTEXT,
  type CommandContext,
  type JsonOption,
} from './command-context.js';

/** `ogpu model`: models as programs of the integer tensor machine. */
export function modelCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('model')
    .description('import a model as an integer program, look at it, run it, verify it')
    .addCommand(importCommand(context))
    .addCommand(inspectCommand(context))
    .addCommand(runCommand(context))
    .addCommand(verifyCommand(context))
    .addCommand(accuracyCommand(context))
    .addHelpText('after', HELP);
}

interface SourceOptions extends JsonOption {
  readonly samples: readonly { readonly input?: string; readonly path: string }[];
  readonly shape: Readonly<Record<string, number[]>>;
  readonly pixels: { readonly low: number; readonly high: number };
  readonly minutes: number;
  readonly memory: number;
}

/** Options of what reads a model's files and samples. */
function sourceOptions(command: Command): Command {
  return command
    .option(
      '--samples <[input=]path>',
      'PNG, JPEG or .npy files, or folders of them; may be repeated',
      addSample,
      [],
    )
    .option(
      '--shape <input=sizes>',
      'sizes that the model leaves open, as it orders them: LR=1,64,64,3',
      addShape,
      {},
    )
    .option('--pixels <low,high>', 'what the bytes 0 and 255 of a picture are to the model', pixelRange, {
      low: 0,
      high: 255,
    })
    .option('--minutes <number>', 'until the work is given up', integerBetween(1, 600), 10)
    .option('--memory <MiB>', 'that the work may take', integerBetween(64, 1_048_576), 4096)
    .option('--json', 'print JSON', false);
}

interface ImportOptions extends SourceOptions {
  readonly out: string;
  readonly precision: Precision;
  readonly pictures: boolean;
}

function importCommand(context: CommandContext): Command {
  const command = new Command('import')
    .description('make an integer program of an ONNX file or a TensorFlow.js layers model')
    .argument('<model>', '.onnx file, model.json, or the folder of one')
    .requiredOption('--out <folder>', 'for program.bin, weights.bin and model.json')
    .addOption(new Option('--precision <which>', 'of activations').choices(PRECISIONS).default('int8'))
    .option('--pictures', 'inputs and outputs are pictures in bytes', false)
    .addHelpText('after', IMPORT_HELP);
  return sourceOptions(command).action(async (path: string, options: ImportOptions) => {
    const made = await importFile(jobOf(path, options));
    await writeModelFolder(options.out, made);
    const { manifest, accuracy } = made;
    const report = { folder: options.out, ...manifest, accuracy };
    await print(context, options, report, formatManifest(manifest) + formatAccuracy(accuracy));
  });
}

function jobOf(path: string, options: SourceOptions & Partial<ImportOptions>): FileImport {
  const { samples, shape, pixels, precision = 'int8', pictures = false } = options;
  return {
    path,
    samples,
    settings: { shapes: { ...shape }, pixels, precision, pictures, grids: {} },
    wallMs: options.minutes * 60_000,
    memoryBytes: options.memory * 2 ** 20,
  };
}

function inspectCommand(context: CommandContext): Command {
  return new Command('inspect')
    .description('operators, parameters, memory and metered work of a program')
    .argument('<folder>', 'that `ogpu model import` wrote')
    .option(
      '--price <OGPU>',
      'for 10^12 units of work, to be told the price of a segment',
      parsedBy((text) => parseAmountWei(text, OGPU_DECIMALS)),
    )
    .option('--json', 'print JSON', false)
    .action(async (folder: string, options: JsonOption & { readonly price?: bigint }) => {
      const { program, manifest } = await readModelFolder(folder);
      const inspection = inspectProgram(program);
      const { operators, work, units } = inspection;
      const priceWei = options.price === undefined ? undefined : (options.price * BigInt(units)) / 10n ** 12n;
      const rows: [string, string][] = [
        ['parameters', `${inspection.parameters} in ${work.weightBytes} bytes`],
        ['graph', `${inspection.graphBytes} bytes`],
        ['memory of a segment', `${work.memoryBytes} bytes`],
        ['work of a segment', `${units} units: ${work.macs} multiply-accumulates, ${work.steps} steps`],
        ['dispatches', String(work.dispatches)],
        ...(priceWei === undefined
          ? []
          : [['price of a segment', `${formatOgpu(priceWei)} OGPU`] as [string, string]]),
      ];
      const table = formatTable(
        ['operator', 'nodes', 'multiply-accumulates', 'steps'],
        operators.map(({ operator, nodes, macs, steps }) => [
          operator,
          String(nodes),
          String(macs),
          String(steps),
        ]),
      );
      const report = {
        ...manifest,
        ...inspection,
        ...(priceWei === undefined ? {} : { priceWei: priceWei.toString() }),
      };
      await print(context, options, report, `${formatManifest(manifest)}${formatRows(rows)}\n${table}`);
    });
}

interface RunOptions extends JsonOption {
  readonly executor: ExecutorName;
  readonly minutes: number;
}

function executorOptions(command: Command, otherwise: ExecutorName): Command {
  return command
    .addOption(new Option('--executor <which>', 'what computes').choices(EXECUTORS).default(otherwise))
    .option('--minutes <number>', 'until the work is given up', integerBetween(1, 600), 10)
    .option('--json', 'print JSON', false);
}

function runCommand(context: CommandContext): Command {
  const command = new Command('run')
    .description('run a program on a picture, or on arrays')
    .argument('<folder>', 'that `ogpu model import` wrote')
    .argument('<inputs...>', 'a PNG or JPEG, or a .npy for each input')
    .requiredOption('--out <file>', 'PNG or .npy that is made');
  return executorOptions(command, 'reference').action(
    async (folder: string, inputs: string[], options: RunOptions & { readonly out: string }) => {
      const stored = await readModelFolder(folder);
      const executor = await openExecutor(options.executor);
      const bar = showProgress({ label: 'segments', total: 1, unit: 'segments', isSilent: options.json });
      const run = {
        stored,
        executor,
        wallMs: options.minutes * 60_000,
        onProgress: (done: number, total: number) => bar.update(done, total),
      };
      const result = await runFiles(run, inputs).finally(() => bar.stop());
      await writeFile(options.out, result.file);
      const { segments, wallMs } = result;
      const ranOn = describeRan(result.ranOn);
      const report = { out: options.out, sha256: toHex(sha256(result.file)), segments, ranOn, wallMs };
      await print(
        context,
        options,
        report,
        `${options.out}: ${segments} segments on ${ranOn} in ${wallMs} ms\n`,
      );
    },
  );
}

function verifyCommand(context: CommandContext): Command {
  const command = new Command('verify')
    .description('run random inputs on a device and with the reference: every byte must be equal')
    .argument('<folder>', 'that `ogpu model import` wrote')
    .option('--inputs <count>', 'how many', integerBetween(1, 1000), 3);
  return executorOptions(command, 'gpu').action(
    async (folder: string, options: RunOptions & { readonly inputs: number }) => {
      const stored = await readModelFolder(folder);
      const executor = await openExecutor(options.executor);
      const { ranOn, ...found } = await compareExecutors(
        stored,
        executor,
        options.inputs,
        options.minutes * 60_000,
      );
      const device = describeRan(ranOn);
      const isEqual = found.differing.length === 0;
      const text = isEqual
        ? `${found.inputs} inputs: ${device} and the reference agree on every byte\n`
        : `${found.differing.length} of ${found.inputs} inputs: ${device} makes something else than the reference\n`;
      await print(context, options, { ...found, device, isEqual }, text);
      if (!isEqual)
        throw new ModelRunError('RESULTS_DIFFER', 'a device computes wrongly', {
          differing: found.differing,
        });
    },
  );
}

function accuracyCommand(context: CommandContext): Command {
  const command = new Command('accuracy')
    .description('how near a program is to the model it was made from')
    .argument('<folder>', 'that `ogpu model import` wrote')
    .argument('<model>', 'the files it was imported from');
  return sourceOptions(command).action(async (folder: string, path: string, options: SourceOptions) => {
    const stored = await readModelFolder(folder);
    const shape = Object.keys(options.shape).length > 0 ? options.shape : shapesOf(stored.manifest);
    const { accuracy, samples } = await measureFile(jobOf(path, { ...options, shape }), stored);
    await print(context, options, { samples, accuracy }, `${samples} samples\n${formatAccuracy(accuracy)}`);
  });
}

/** Where the model's order of dimensions is the program's, its sizes need not be said again. */
function shapesOf({ inputs, source }: ModelManifest): Record<string, number[]> {
  return 'model.json' in source ? Object.fromEntries(inputs.map(({ name, shape }) => [name, shape])) : {};
}

function formatManifest({ program, weights, inputs, outputs, margin, precision }: ModelManifest): string {
  const port = ({ name, shape, type, scale, zero }: ModelManifest['inputs'][number]): string =>
    `${name} ${shape.join('×')} ${type}, (q − ${zero}) × ${scale}`;
  return formatRows([
    ['program', program],
    ['weights', weights],
    ...inputs.map((each) => ['input', port(each)] as const),
    ...outputs.map((each) => ['output', port(each)] as const),
    ['precision', precision],
    ...(margin === null ? [] : [['tiles without seams', `margin of ${margin} pixels`] as const]),
  ]);
}

function formatAccuracy(accuracy: readonly Accuracy[]): string {
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  return accuracy
    .map(
      ({ output, psnrDb, cosine, largestError, sameTop }) =>
        `${output}: PSNR ${psnrDb.toFixed(2)} dB, cosine ${cosine.toFixed(6)}, largest error ${largestError.toPrecision(3)}, same greatest in ${percent(sameTop)}\n`,
    )
    .join('');
}

function addSample(text: string, list: SourceOptions['samples']): SourceOptions['samples'] {
  const at = text.indexOf('=');
  return [...list, at < 0 ? { path: text } : { input: text.slice(0, at), path: text.slice(at + 1) }];
}

function addShape(text: string, shapes: SourceOptions['shape']): SourceOptions['shape'] {
  const [name, sizes, ...rest] = text.split('=');
  const numbers = sizes?.split(',').map(Number) ?? [];
  if (
    name === undefined ||
    rest.length > 0 ||
    numbers.length === 0 ||
    !numbers.every((n) => Number.isInteger(n) && n > 0)
  )
    throw new InvalidArgumentError('expected a name and sizes: LR=1,64,64,3.');
  return { ...shapes, [name]: numbers };
}

function pixelRange(text: string): SourceOptions['pixels'] {
  const [low = NaN, high = NaN, ...rest] = text.split(',').map(Number);
  if (rest.length > 0 || !(high > low)) throw new InvalidArgumentError('expected two numbers: 0,1.');
  return { low, high };
}

const IMPORT_HELP = `
Activations get the range that the samples show: give inputs like those to come. The model's files and the samples are read in a
process of their own. All that is not imported is named at once, with the nearest form that is (docs/models.md).
`;

const HELP = examples(
  [
    'ogpu model import node_modules/@upscalerjs/esrgan-slim/models/x2 --shape LR=1,64,64,3 --pictures --samples photos/ --out x2',
    'a network that enlarges pictures',
  ],
  ['ogpu model inspect x2 --price 0.5', 'what it costs in work, and at a price'],
  ['ogpu model run x2 cat.png --out large.png --executor gpu', 'tile by tile on a device'],
  ['ogpu model verify x2', 'exit code 1 where a device differs from the reference by a byte'],
  [
    'ogpu model accuracy x2 node_modules/@upscalerjs/esrgan-slim/models/x2 --samples photos/',
    'against the model in fractions',
  ],
);
