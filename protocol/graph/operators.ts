import type { DataType } from './tensors.js';

/**
 * How an attribute is written in a graph: always as 32-bit integers.
 *
 * - `int`: any signed 32-bit integer; `size`: 1 to 2^31 − 1; `count`: 0 to 2^31 − 1
 * - `flag`: 0 or 1; `type`: an element type by its code; a list of words: one of them, by its place
 * - `counts`, `sizes`: as many as fill the node's list of integers, shared evenly among the vectors of an operator
 */
export type AttributeKind =
  'int' | 'size' | 'count' | 'flag' | 'type' | 'counts' | 'sizes' | readonly string[];

interface OperatorForm {
  /** On the wire; never reused. */
  readonly code: number;
  /** Names in wire order. `name?` may be absent, `name*` (alone) stands for one operand or more. */
  readonly operands: readonly string[];
  /** In wire order, vectors last. */
  readonly attributes: Readonly<Record<string, AttributeKind>>;
}

/** How an accumulator becomes an element: requantised where there is a `scale`, moved by `zeroY`, clamped to [low, high] of `outType`. */
const OUTPUT = { outType: 'type', zeroY: 'int', low: 'int', high: 'int' } as const;

const WINDOW = {
  strideHeight: 'size',
  strideWidth: 'size',
  padTop: 'count',
  padBottom: 'count',
  padLeft: 'count',
  padRight: 'count',
} as const;

const KERNEL = { kernelHeight: 'size', kernelWidth: 'size' } as const;
const DILATION = { dilationHeight: 'size', dilationWidth: 'size' } as const;
const BLOCK = { block: 'size', order: ['blockFirst', 'channelFirst'] } as const;

/** Every operator: what it takes, and how it is written. What each computes: docs/spec/tensor-machine.md. */
export const OPERATORS = {
  conv2d: {
    code: 1,
    operands: ['x', 'weights', 'bias?', 'scale?'],
    attributes: { ...WINDOW, ...DILATION, groups: 'size', zeroX: 'int', zeroWeights: 'int', ...OUTPUT },
  },
  depthwiseConv2d: {
    code: 2,
    operands: ['x', 'weights', 'bias?', 'scale?'],
    attributes: { ...WINDOW, ...DILATION, zeroX: 'int', zeroWeights: 'int', ...OUTPUT },
  },
  matmul: {
    code: 3,
    operands: ['a', 'b', 'bias?', 'scale?'],
    attributes: { transposeA: 'flag', transposeB: 'flag', zeroA: 'int', zeroB: 'int', ...OUTPUT },
  },
  add: { code: 4, operands: ['a', 'b', 'scale?'], attributes: { zeroA: 'int', zeroB: 'int', ...OUTPUT } },
  sub: { code: 5, operands: ['a', 'b', 'scale?'], attributes: { zeroA: 'int', zeroB: 'int', ...OUTPUT } },
  mul: { code: 6, operands: ['a', 'b', 'scale?'], attributes: { zeroA: 'int', zeroB: 'int', ...OUTPUT } },
  requantise: { code: 7, operands: ['x', 'scale'], attributes: { zeroX: 'int', ...OUTPUT } },
  clamp: { code: 8, operands: ['x'], attributes: { low: 'int', high: 'int' } },
  lookup: { code: 9, operands: ['x', 'table'], attributes: {} },
  cast: { code: 10, operands: ['x'], attributes: { outType: 'type' } },
  compare: {
    code: 11,
    operands: ['a', 'b'],
    attributes: { relation: ['equal', 'notEqual', 'less', 'lessOrEqual', 'greater', 'greaterOrEqual'] },
  },
  select: { code: 12, operands: ['condition', 'a', 'b'], attributes: {} },
  gather: { code: 13, operands: ['data', 'indices'], attributes: {} },
  concat: { code: 14, operands: ['parts*'], attributes: { axis: 'count' } },
  slice: { code: 15, operands: ['x'], attributes: { begin: 'counts', size: 'sizes', step: 'sizes' } },
  pad: {
    code: 16,
    operands: ['x'],
    attributes: { mode: ['constant', 'edge', 'reflect'], value: 'int', before: 'counts', after: 'counts' },
  },
  transpose: { code: 17, operands: ['x'], attributes: { permutation: 'counts' } },
  reshape: { code: 18, operands: ['x'], attributes: { shape: 'sizes' } },
  resize: {
    code: 19,
    operands: ['x'],
    attributes: {
      height: 'size',
      width: 'size',
      mode: ['nearest', 'bilinear'],
      grid: ['asymmetric', 'halfPixel', 'alignCorners'],
    },
  },
  depthToSpace: { code: 20, operands: ['x'], attributes: BLOCK },
  spaceToDepth: { code: 21, operands: ['x'], attributes: BLOCK },
  maxPool: { code: 22, operands: ['x'], attributes: { ...KERNEL, ...WINDOW } },
  averagePool: {
    code: 23,
    operands: ['x'],
    attributes: { ...KERNEL, ...WINDOW, countPadding: 'flag', zeroX: 'int' },
  },
  reduceSum: { code: 24, operands: ['x', 'scale?'], attributes: { axis: 'count', zeroX: 'int', ...OUTPUT } },
  reduceMax: { code: 25, operands: ['x'], attributes: { axis: 'count' } },
  argmax: { code: 26, operands: ['x'], attributes: { axis: 'count' } },
  softmax: { code: 27, operands: ['x', 'scale'], attributes: { outType: 'type' } },
  layerNorm: {
    code: 28,
    operands: ['x', 'gamma', 'beta', 'scale'],
    attributes: { epsilon: 'size', ...OUTPUT },
  },
} as const satisfies Readonly<Record<string, OperatorForm>>;

type Forms = typeof OPERATORS;

export type OperatorName = keyof Forms;

/** Index of a tensor: inputs first, then constants, then what nodes make, in order. */
export type TensorId = number;

type OperandName<Op extends OperatorName> = Forms[Op]['operands'][number];

type Named<Name extends string, Suffix extends string> = Name extends `${infer Bare}${Suffix}` ? Bare : never;

type Required<Name extends string> = Name extends `${string}?` | `${string}*` ? never : Name;

/** Something for each operand of an operator, by name: its id, its type, its range, its data. */
export type OperandsAs<Op extends OperatorName, T> = Readonly<Record<Required<OperandName<Op>>, T>> &
  Readonly<Partial<Record<Named<OperandName<Op>, '?'>, T>>> &
  Readonly<Record<Named<OperandName<Op>, '*'>, readonly T[]>>;

export type Operands<Op extends OperatorName> = OperandsAs<Op, TensorId>;

type AttributeValue<Kind> = Kind extends 'flag'
  ? boolean
  : Kind extends 'type'
    ? DataType
    : Kind extends 'counts' | 'sizes'
      ? readonly number[]
      : Kind extends readonly (infer Word)[]
        ? Word
        : number;

export type Attributes<Op extends OperatorName> = {
  readonly [Name in keyof Forms[Op]['attributes']]: AttributeValue<Forms[Op]['attributes'][Name]>;
};

/** One operation of a graph. It makes exactly one tensor. */
export interface NodeOf<Op extends OperatorName> {
  readonly op: Op;
  readonly operands: Operands<Op>;
  readonly attributes: Attributes<Op>;
}

export type GraphNode = { readonly [Op in OperatorName]: NodeOf<Op> }[OperatorName];

/** The part of a node's attributes that says how an accumulator becomes an element. */
export type OutputStage = Pick<Attributes<'matmul'>, keyof typeof OUTPUT>;

/** The part that says where windows are. */
export type WindowAttributes = Pick<Attributes<'maxPool'>, keyof typeof WINDOW>;

export const OPERATOR_NAMES = Object.keys(OPERATORS) as OperatorName[];

const NAME_BY_CODE: ReadonlyMap<number, OperatorName> = new Map(
  OPERATOR_NAMES.map((name) => [OPERATORS[name].code, name]),
);

export function operatorOfCode(code: number): OperatorName | undefined {
  return NAME_BY_CODE.get(code);
}

/** Operands of a node in wire order, undefined where an optional one is absent. */
export function operandList(node: GraphNode): (TensorId | undefined)[] {
  const values = node.operands as Readonly<Record<string, TensorId | readonly TensorId[] | undefined>>;
  const names: readonly string[] = OPERATORS[node.op].operands;
  return names.flatMap((name) => values[name.replace(/[?*]$/, '')]);
}

/** What `find` knows of each operand of a node; undefined where it does not know one that is there. */
export function resolveOperands<T extends object>(
  node: GraphNode,
  find: (id: TensorId) => T | undefined,
): OperandsAs<OperatorName, T> | undefined {
  const resolved: Record<string, T | T[]> = {};
  const operands = node.operands as Readonly<Record<string, TensorId | readonly TensorId[] | undefined>>;
  for (const [name, id] of Object.entries(operands)) {
    if (id === undefined) continue;
    const found = typeof id === 'number' ? find(id) : id.flatMap((part) => find(part) ?? []);
    if (found === undefined || (typeof id === 'object' && (found as T[]).length < id.length))
      return undefined;
    resolved[name] = found;
  }
  return resolved as unknown as OperandsAs<OperatorName, T>;
}

/** Operands of a node that are there. */
export function presentOperands(node: GraphNode): TensorId[] {
  return operandList(node).filter((id) => id !== undefined);
}
