import type { GraphBuilder, TensorRef } from '../../../protocol/graph/builder.js';
import { buildGraph } from '../../../protocol/graph/builder.js';
import type { OutputStage } from '../../../protocol/graph/operators.js';
import { allocateTensor } from '../../../protocol/graph/tensor-data.js';
import { TYPE_RANGES, type DataType, type Range } from '../../../protocol/graph/tensors.js';
import { rangeOfData } from '../../../protocol/graph/weights.js';
import type { Ranges } from '../calibrate.js';
import { malformed } from '../model-error.js';
import { countUses, type FloatTensor, type Layer, type Network, type ValueId } from '../network/network.js';
import {
  elementOn,
  gridOver,
  largestOf,
  multiplierOf,
  rangeOn,
  sameGrid,
  symmetricGrid,
  type Grid,
  type Interval,
} from './grid.js';

/**
 * Where numbers of 16 bits are used.
 *
 * - `int8`: nowhere but where a model says so
 * - `mixed`: in sums, norms, shares and tables; products of activations and weights stay products of bytes
 * - `int16`: for all activations
 */
export const PRECISIONS = ['int8', 'mixed', 'int16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** A tensor of the program, and what its whole numbers stand for. */
export interface Lowered extends Grid {
  readonly ref: TensorRef;
  readonly shape: readonly number[];
  /** Every element is proved to be within. */
  readonly range: Range;
}

/** What follows the sums of a layer before they are stored: the value that is stored, and how they become it. */
export interface Tail {
  readonly value: ValueId;
  /** Fractions beyond become the nearest end. */
  readonly clip: Interval;
  /** Factors of negative sums, one for all or one for each channel. */
  readonly slopes: readonly number[] | undefined;
  /** The grid that the model itself asks for, after which the value is whole numbers. */
  readonly grid: Grid | undefined;
}

/** Most numbers beyond zero that a product of two operands may use. */
export const INT32_MAX = TYPE_RANGES.int32.max;

/** How far elements of a tensor are from its zero point, at most. */
export function reachOf({ range, zero }: Pick<Lowered, 'range' | 'zero'>): number {
  return Math.max(range.max - zero, zero - range.min, 1);
}

/** What the lowering of each layer works with. */
export class Lowering {
  readonly graph: GraphBuilder = buildGraph();
  readonly network: Network;
  readonly precision: Precision;
  private readonly ranges: Ranges;
  private readonly lowered = new Map<ValueId, Lowered>();
  private readonly copies = new Map<string, Lowered>();
  private readonly uses: ReadonlyMap<ValueId, number>;
  private readonly users = new Map<ValueId, Layer[]>();
  /** Layers that became part of the one before them. */
  private readonly absorbed = new Set<Layer>();
  private readonly outputGrids: ReadonlyMap<ValueId, Grid>;

  constructor(
    network: Network,
    ranges: Ranges,
    precision: Precision,
    outputGrids: ReadonlyMap<ValueId, Grid>,
  ) {
    this.network = network;
    this.ranges = ranges;
    this.precision = precision;
    this.outputGrids = outputGrids;
    this.uses = countUses(network);
    for (const layer of network.layers)
      for (const id of new Set(layer.inputs)) this.users.set(id, [...(this.users.get(id) ?? []), layer]);
  }

  shapeOf(id: ValueId): readonly number[] {
    const shape = this.network.values[id]?.shape ?? [];
    return shape.length === 0 ? [1] : shape;
  }

  constantOf(id: ValueId | undefined): FloatTensor | undefined {
    return id === undefined ? undefined : this.network.values[id]?.constant;
  }

  isAbsorbed(layer: Layer): boolean {
    return this.absorbed.has(layer);
  }

  set(id: ValueId, value: Lowered): void {
    this.lowered.set(id, value);
  }

  /** The tensor of a value; of a constant, on a grid of its own. */
  get(id: ValueId): Lowered {
    const known = this.lowered.get(id);
    if (known !== undefined) return known;
    const constant = this.constantOf(id);
    if (constant === undefined) throw malformed(`value ${id}`, 'nothing makes it');
    const made = this.constant(constant, 'int16');
    this.set(id, made);
    return made;
  }

  /** A constant with one scale for all of it; whole numbers that the model gives stay what they are. */
  constant({ shape, data, quantised }: FloatTensor, type: DataType): Lowered {
    const given = quantised?.scales.length === 1 ? quantised : undefined;
    const own = given === undefined ? undefined : narrowest(given.data);
    const grid =
      own === undefined
        ? symmetricGrid(largestOf(data), type)
        : { type: own, scale: given?.scales[0] ?? 1, zero: 0 };
    const elements = allocateTensor(grid.type, data.length);
    for (let i = 0; i < data.length; i++)
      elements[i] = own === undefined ? elementOn(grid, data[i] ?? 0) : (given?.data[i] ?? 0);
    const sizes = shape.length === 0 ? [1] : shape;
    const ref = this.graph.constant({ type: grid.type, shape: sizes }, elements);
    return { ...grid, ref, shape: sizes, range: rangeOfData(elements) };
  }

  /** An int32 constant of rows of multipliers and shifts. */
  scale(rows: readonly (readonly number[])[]): TensorRef {
    const first = rows[0]?.join();
    const needed = rows.every((row) => row.join() === first) ? rows.slice(0, 1) : rows;
    const columns = needed[0]?.length ?? 2;
    const data = Int32Array.from(needed.flat());
    return this.graph.constant({ type: 'int32', shape: [needed.length, columns] }, data);
  }

  /** How far a value reaches, as far as was seen. */
  intervalOf(id: ValueId): Interval {
    const constant = this.constantOf(id);
    const range = this.ranges.get(id);
    if (range !== undefined) return range;
    const data = constant?.data ?? [0];
    return { min: Math.min(...data.slice(0, 1), 0), max: Math.max(...data.slice(0, 1), 0) };
  }

  /** The grid that a value gets where nothing before it says which. */
  gridOf(id: ValueId): Grid {
    const output = this.outputGrids.get(id);
    if (output !== undefined) return output;
    const [user, ...others] = this.users.get(id) ?? [];
    // What only becomes a part of something is stored as that is.
    if (user?.kind === 'concat' && others.length === 0 && this.uses.get(id) === 1)
      return this.gridOf(user.output);
    return gridOver(this.intervalOf(id), this.typeOf(id));
  }

  private typeOf(id: ValueId): DataType {
    if (this.precision === 'int16') return 'int16';
    const isOutput = this.network.outputs.some(({ value }) => value === id);
    if (isOutput) return 'int16';
    if (this.precision === 'int8') return 'int8';
    return this.reach(id).every((layer) => PRODUCTS.has(layer.kind)) ? 'int8' : 'int16';
  }

  /** The layers that look at the numbers of a value, through those that only move them. */
  private reach(id: ValueId, depth = 0): Layer[] {
    const users = this.users.get(id) ?? [];
    if (depth > 16) return users;
    return users.flatMap((layer) => (MOVES.has(layer.kind) ? this.reach(layer.output, depth + 1) : [layer]));
  }

  /**
   * What can be stored in place of a layer's own result: rectifiers, clamps and the model's own quantisation become part of the output stage,
   * as long as nothing else looks at what is between.
   */
  tailOf(value: ValueId, takesSlopes = false): Tail {
    let tail: Tail = { value, clip: { min: -Infinity, max: Infinity }, slopes: undefined, grid: undefined };
    for (;;) {
      const [layer, ...others] = this.users.get(tail.value) ?? [];
      if (layer === undefined || others.length > 0 || this.uses.get(tail.value) !== 1) return tail;
      const next = this.extended(tail, layer, takesSlopes);
      if (next === undefined) return tail;
      this.absorbed.add(layer);
      tail = { ...next, value: layer.output };
      if (tail.grid !== undefined) return tail;
    }
  }

  private extended(tail: Tail, layer: Layer, takesSlopes: boolean): Tail | undefined {
    const { min, max } = tail.clip;
    if (layer.kind === 'clip') {
      const { low, high } = layer.attributes;
      const into = (end: number): number => Math.min(Math.max(end, low), high);
      return { ...tail, clip: { min: into(min), max: into(max) } };
    }
    if (layer.kind === 'quantise') return { ...tail, grid: layer.attributes };
    if (
      layer.kind !== 'prelu' ||
      !takesSlopes ||
      tail.slopes !== undefined ||
      max !== Infinity ||
      min !== -Infinity
    )
      return undefined;
    const slopes = this.constantOf(layer.inputs[1]);
    const channels = this.shapeOf(layer.output).at(-1) ?? 1;
    if (layer.inputs[0] !== tail.value || slopes === undefined) return undefined;
    const isVector =
      slopes.data.length === 1 || (slopes.data.length === channels && slopes.shape.at(-1) === channels);
    return isVector ? { ...tail, slopes: Array.from(slopes.data) } : undefined;
  }

  /** The grid of what a tail stores. */
  gridOfTail(tail: Tail): Grid {
    return tail.grid ?? this.gridOf(tail.value);
  }

  /** Attributes of the stage that stores a tail on a grid. */
  stage(tail: Tail, grid: Grid): OutputStage {
    const seen = tail.grid === undefined ? this.intervalOf(tail.value) : { min: -Infinity, max: Infinity };
    const ends = rangeOn(grid, {
      min: Math.max(tail.clip.min, Math.min(seen.min, 0)),
      max: Math.min(tail.clip.max, Math.max(seen.max, 0)),
    });
    return { outType: grid.type, zeroY: grid.zero, low: Math.min(ends.min, ends.max), high: ends.max };
  }

  /** Remembers what a tail stored. After the model's own quantisation its numbers stand for themselves. */
  store(tail: Tail, ref: TensorRef, grid: Grid, stage: Pick<OutputStage, 'low' | 'high'>): void {
    const shape = this.shapeOf(tail.value);
    const range = { min: stage.low, max: stage.high };
    const meaning = tail.grid === undefined ? grid : { type: grid.type, scale: 1, zero: 0 };
    this.set(tail.value, { ...meaning, ref, shape, range });
  }

  /** Rows of scale that turn sums worth `units` (for each channel) into elements of a grid. */
  rows(units: readonly number[], grid: Grid, tail: Tail): number[][] {
    const { slopes } = tail;
    const count = Math.max(units.length, slopes?.length ?? 1);
    return Array.from({ length: count }, (_, channel) => {
      const factor = (units[units.length === 1 ? 0 : channel] ?? 1) / grid.scale;
      if (slopes === undefined) return multiplierOf(factor);
      const slope = slopes[slopes.length === 1 ? 0 : channel] ?? 0;
      return [...multiplierOf(factor), ...multiplierOf(factor * slope)];
    });
  }

  /** A tensor on another grid: itself where that is its own. Made once. */
  onGrid(x: Lowered, grid: Grid): Lowered {
    if (sameGrid(x, grid)) return x;
    const key = [x.ref.kind, x.ref.index, x.scale, x.zero, grid.type, grid.scale, grid.zero].join();
    const known = this.copies.get(key);
    if (known !== undefined) return known;
    const ends = rangeOn(grid, {
      min: (x.range.min - x.zero) * x.scale,
      max: (x.range.max - x.zero) * x.scale,
    });
    const stage = { outType: grid.type, zeroY: grid.zero, low: ends.min, high: ends.max };
    const zeroX = x.type === 'int32' ? 0 : x.zero;
    const operands = { x: x.ref, scale: this.scale([multiplierOf(x.scale / grid.scale)]) };
    const ref = this.graph.node('requantise', operands, { zeroX, ...stage });
    const copy = { ...grid, ref, shape: x.shape, range: ends };
    this.copies.set(key, copy);
    return copy;
  }

  /** A tensor whose elements less their zero point are at most `largest`, as fine as that allows. */
  within(x: Lowered, largest: number): Lowered {
    const reach = reachOf(x);
    const isNarrow = x.type !== 'int32';
    if (isNarrow && reach <= largest) return x;
    const most = Math.max(Math.floor(Math.min(largest, 32_767)), 1);
    const type = most <= 127 ? 'int8' : 'int16';
    return this.onGrid(x, symmetricGrid(reach * x.scale, type, most));
  }
}

/** Layers that multiply activations: in mixed precision they take bytes. */
const PRODUCTS = new Set<Layer['kind']>(['conv', 'matmul', 'gather']);

/** Layers that only move numbers about. */
export const MOVES = new Set<Layer['kind']>([
  'concat',
  'slice',
  'pad',
  'transpose',
  'reshape',
  'resize',
  'depthToSpace',
  'spaceToDepth',
  'maxPool',
  'averagePool',
  'clip',
]);

function narrowest(data: Float64Array): DataType | undefined {
  for (const type of ['int8', 'uint8', 'int16', 'int32'] as const) {
    const { min, max } = TYPE_RANGES[type];
    if (data.every((element) => element >= min && element <= max)) return type;
  }
  return undefined;
}
