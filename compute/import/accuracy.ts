import { executeProgram } from '../reference/execute.js';
import { allocateTensor, type TensorData } from '../../protocol/graph/tensor-data.js';
import { runNetwork } from './float/run.js';
import type { ImportedModel } from './import-model.js';
import { elementOn } from './integer/grid.js';
import type { Port } from './integer/lower.js';
import type { FloatData } from './network/network.js';

/** How near an output of the integer program is to that of the model in fractions, over all samples. */
export interface Accuracy {
  readonly output: string;
  /** Peak signal to noise, in decibels: the peak is what the output's numbers reach over, of a picture 255. Infinity where nothing differs. */
  readonly psnrDb: number;
  /** Cosine of the angle between the two. */
  readonly cosine: number;
  readonly largestError: number;
  /** Share of rows (along the last dimension) of which both have the same place greatest. */
  readonly sameTop: number;
}

/** Elements of a port that fractions become. */
export function toElements(port: Port, data: FloatData): TensorData {
  const elements = allocateTensor(port.type, data.length);
  for (let i = 0; i < data.length; i++) elements[i] = elementOn(port, data[i] ?? 0);
  return elements;
}

/** What elements of a port stand for. */
export function toFractions({ scale, zero }: Port, data: TensorData): Float64Array {
  return Float64Array.from(data, (element) => scale * (element - zero));
}

/** Runs both on every sample. An output in bytes is held against what of the model's lies within its reach, as of a picture. */
export function measureAccuracy(
  { network, program, inputs, outputs }: Pick<ImportedModel, 'network' | 'program' | 'inputs' | 'outputs'>,
  samples: readonly (readonly FloatData[])[],
): readonly Accuracy[] {
  const tallies = outputs.map((port) => new Tally(port));
  for (const sample of samples) {
    const expected = runNetwork(network, sample);
    const items = inputs.map((port, index) => toElements(port, sample[index] ?? new Float32Array(0)));
    for (const [index, data] of executeProgram(program, items).entries())
      tallies[index]?.add(expected[index]?.data ?? new Float32Array(0), data);
  }
  return tallies.map((tally) => tally.result());
}

class Tally {
  private readonly port: Port;
  private count = 0;
  private squares = 0;
  private largest = 0;
  private least = Infinity;
  private most = -Infinity;
  private readonly products = { both: 0, expected: 0, made: 0 };
  private rows = 0;
  private same = 0;

  constructor(port: Port) {
    this.port = port;
  }

  add(expected: FloatData, elements: TensorData): void {
    const made = toFractions(this.port, elements);
    const { scale, zero, type } = this.port;
    const isByte = type === 'uint8';
    const [low, high] = isByte ? [scale * (0 - zero), scale * (255 - zero)] : [-Infinity, Infinity];
    const length = this.port.shape.at(-1) ?? 1;
    for (let row = 0; row < made.length; row += length) {
      let [topExpected, topMade] = [row, row];
      for (let i = row; i < row + length; i++) {
        const value = Math.min(Math.max(expected[i] ?? 0, low), high);
        this.addElement(value, made[i] ?? 0);
        if ((expected[i] ?? 0) > (expected[topExpected] ?? 0)) topExpected = i;
        if ((made[i] ?? 0) > (made[topMade] ?? 0)) topMade = i;
      }
      this.rows++;
      if (topExpected === topMade) this.same++;
    }
    if (isByte) [this.least, this.most] = [low, high];
  }

  private addElement(expected: number, made: number): void {
    const difference = Math.abs(expected - made);
    this.count++;
    this.squares += difference ** 2;
    this.largest = Math.max(this.largest, difference);
    this.least = Math.min(this.least, expected);
    this.most = Math.max(this.most, expected);
    this.products.both += expected * made;
    this.products.expected += expected ** 2;
    this.products.made += made ** 2;
  }

  result(): Accuracy {
    const { both, expected, made } = this.products;
    const noise = this.squares / Math.max(this.count, 1);
    return {
      output: this.port.name,
      psnrDb: noise === 0 ? Infinity : 10 * Math.log10((this.most - this.least) ** 2 / noise),
      cosine: expected === 0 && made === 0 ? 1 : both / Math.sqrt(expected * made),
      largestError: this.largest,
      sameTop: this.rows === 0 ? 1 : this.same / this.rows,
    };
  }
}
