import { malformed, unsupported } from '../model-error.js';
import { elementCount } from '../model.js';
import type { FloatTensor, ValueId } from '../network/network.js';
import type { NodeContext, Rule } from './context.js';
import type { Logical } from './logical.js';
import { lastAxis, lastOf, lastValue, plainValue, reshaped, transposed } from './logical.js';

export const identity: Rule = (node) => node.input(0);

/** Between kinds of numbers: values stay what they are, except constants made whole. */
export const cast: Rule = (node) => {
  const x = node.input(0);
  const to = node.number('to', 1);
  const isWhole = ![1, 10, 11].includes(to);
  const constant = node.constant(x);
  if (constant === undefined) {
    if (isWhole && to !== 6 && to !== 7) throw unsupported(node.where, 'a cast to narrow whole numbers');
    return x;
  }
  const data = isWhole ? Float64Array.from(constant.data, Math.trunc) : Float32Array.from(constant.data);
  return plainValue(node.builder, node.builder.constant({ shape: constant.shape, data }));
};

export const constant: Rule = (node) => {
  const tensor = node.tensor('value');
  if (tensor !== undefined) {
    const data = tensor.dtype === 'float32' ? Float32Array.from(tensor.data) : Float64Array.from(tensor.data);
    return plainValue(node.builder, node.builder.constant({ shape: tensor.shape, data }));
  }
  const floats = node.list('value_floats');
  const ints = node.list('value_ints');
  const list = floats ?? ints ?? [node.number('value_float', node.number('value_int', NaN))];
  if (list.some(Number.isNaN)) throw unsupported(node.where, 'a constant that is no tensor of numbers');
  const data = floats === undefined && ints !== undefined ? Float64Array.from(list) : Float32Array.from(list);
  const shape = floats === undefined && ints === undefined ? [] : [list.length];
  return plainValue(node.builder, node.builder.constant({ shape, data }));
};

export const shape: Rule = (node) => {
  const data = Float64Array.from(node.input(0).shape);
  const whole = { shape: [data.length], data };
  return plainValue(node.builder, node.builder.constant(whole));
};

export const constantOfShape: Rule = (node) => {
  const sizes = node.numbers(0, 'a shape');
  const value = node.tensor('value');
  const count = elementCount(sizes);
  if (count > 2 ** 24) throw unsupported(node.where, `a constant of ${count} elements`);
  const isWhole = value !== undefined && value.dtype !== 'float32';
  const data = isWhole ? new Float64Array(count) : new Float32Array(count);
  return plainValue(
    node.builder,
    node.builder.constant({ shape: sizes, data: data.fill(value?.data[0] ?? 0) }),
  );
};

export const concat: Rule = (node) => {
  const parts = Array.from({ length: node.inputCount }, (_, place) => node.input(place));
  const rank = node.input(0).rank;
  return joined(node, parts, node.axis(node.number('axis', 1), rank));
};

export function joined(node: NodeContext, parts: readonly Logical[], axis: number): Logical {
  const rank = parts[0]?.rank ?? 0;
  const isLast = parts.some(({ last }) => last !== undefined);
  const ids = parts.map((part) => (isLast ? lastOf(node.builder, node.where, part) : node.plain(part)));
  const id = node.add('concat', ids, { axis: isLast ? lastAxis(axis, rank) : axis });
  return isLast ? lastValue(node.builder, id, rank) : plainValue(node.builder, id);
}

export const slice: Rule = (node) => {
  const x = node.input(0);
  const given = (place: number, name: string): readonly number[] | undefined =>
    node.optionalNumbers(place, name) ?? node.list(name);
  const [starts, ends] = [given(1, 'starts') ?? [], given(2, 'ends') ?? []];
  const axes = given(3, 'axes') ?? starts.map((_, axis) => axis);
  const steps = node.optionalNumbers(4, 'steps') ?? starts.map(() => 1);
  const [begin, size, step] = [x.shape.map(() => 0), [...x.shape], x.shape.map(() => 1)];
  for (const [place, named] of axes.entries()) {
    const axis = node.axis(named, x.rank);
    const length = x.shape[axis] ?? 1;
    const stride = steps[place] ?? 1;
    if (stride < 1) throw unsupported(node.where, 'a slice backwards');
    const at = (index: number): number => Math.min(Math.max(index < 0 ? index + length : index, 0), length);
    begin[axis] = at(starts[place] ?? 0);
    size[axis] = Math.max(Math.ceil((at(ends[place] ?? length) - (begin[axis] ?? 0)) / stride), 0);
    step[axis] = stride;
  }
  return cut(node, x, begin, size, step);
};

function cut(
  node: NodeContext,
  x: Logical,
  begin: readonly number[],
  size: readonly number[],
  step: readonly number[],
): Logical {
  if (elementCount(size) === 0) throw unsupported(node.where, 'a slice of nothing');
  if (x.last === undefined)
    return plainValue(node.builder, node.add('slice', [node.plain(x)], { begin, size, step }));
  const turn = (vector: readonly number[], missing: number): number[] => turned(vector, missing);
  const id = node.add('slice', [x.last], { begin: turn(begin, 0), size: turn(size, 1), step: turn(step, 1) });
  return lastValue(node.builder, id, x.rank);
}

/** A vector with a number for each dimension, in the order of `last`. */
function turned([batch = 0, channels = 0, ...sizes]: readonly number[], missing: number): number[] {
  return [batch, ...(sizes.length === 1 ? [missing, ...sizes] : sizes), channels];
}

export const split: Rule = (node) => {
  const x = node.input(0);
  const axis = node.axis(node.number('axis', 0), x.rank);
  const length = x.shape[axis] ?? 1;
  const each = Math.ceil(length / node.outputCount);
  const equal = Array.from({ length: node.outputCount }, (_, at) => Math.min(each, length - at * each));
  const sizes = node.optionalNumbers(1, 'sizes') ?? node.list('split') ?? equal;
  if (sizes.reduce((sum, size) => sum + size, 0) !== length)
    throw malformed(node.where, 'parts of another size');
  let begin = 0;
  return sizes.map((size) => {
    const part = cut(
      node,
      x,
      x.shape.map((_, at) => (at === axis ? begin : 0)),
      x.shape.with(axis, size),
      x.shape.map(() => 1),
    );
    begin += size;
    return part;
  });
};

export const pad: Rule = (node) => {
  const x = node.input(0);
  const mode = node.text('mode', 'constant');
  if (mode !== 'constant' && mode !== 'edge' && mode !== 'reflect')
    throw unsupported(node.where, `padding by ${mode}`);
  const amounts = node.optionalNumbers(1, 'padding') ?? node.list('pads') ?? [];
  const axes = node.optionalNumbers(3, 'axes') ?? x.shape.map((_, axis) => axis);
  const [before, after] = [x.shape.map(() => 0), x.shape.map(() => 0)];
  for (const [place, named] of axes.entries()) {
    const axis = node.axis(named, x.rank);
    before[axis] = amounts[place] ?? 0;
    after[axis] = amounts[axes.length + place] ?? 0;
  }
  if (amounts.length !== 2 * axes.length || amounts.some((amount) => amount < 0))
    throw unsupported(node.where, `padding of ${amounts.join(', ')}`);
  const value = node.optionalNumbers(2, 'a value')?.[0] ?? node.number('value', 0);
  const attributes = { mode, value } as const;
  if (x.last === undefined)
    return plainValue(node.builder, node.add('pad', [node.plain(x)], { ...attributes, before, after }));
  const id = node.add('pad', [x.last], { ...attributes, before: turned(before, 0), after: turned(after, 0) });
  return lastValue(node.builder, id, x.rank);
};

/** The places of `last`'s dimensions among the model's. */
const LAST_ORDER = [0, 2, 3, 1];

export const transpose: Rule = (node) => {
  const x = node.input(0);
  const permutation = node.list('perm') ?? x.shape.map((_, axis) => x.rank - 1 - axis);
  if (x.last === undefined || x.rank !== 4 || x.plain !== undefined)
    return plainValue(node.builder, transposed(node.builder, node.where, node.plain(x), permutation));
  const composed = permutation.map((axis) => LAST_ORDER.indexOf(axis));
  return plainValue(node.builder, transposed(node.builder, node.where, x.last, composed));
};

function reshapedTo(node: NodeContext, x: Logical, sizes: readonly number[]): Logical {
  return plainValue(node.builder, reshaped(node.builder, node.where, node.plain(x), sizes));
}

export const reshape: Rule = (node) => {
  const x = node.input(0);
  const wanted = node.optionalNumbers(1, 'a shape') ?? node.list('shape') ?? [];
  const keepsZero = node.number('allowzero', 0) === 1;
  const sizes = wanted.map((size, axis) => (size === 0 && !keepsZero ? (x.shape[axis] ?? 0) : size));
  const known = sizes.filter((size) => size !== -1).reduce((product, size) => product * size, 1);
  return reshapedTo(
    node,
    x,
    sizes.map((size) => (size === -1 ? elementCount(x.shape) / known : size)),
  );
};

export const flatten: Rule = (node) => {
  const x = node.input(0);
  const named = node.number('axis', 1);
  const axis = named < 0 ? named + x.rank : named;
  return reshapedTo(node, x, [elementCount(x.shape.slice(0, axis)), elementCount(x.shape.slice(axis))]);
};

export const squeeze: Rule = (node) => {
  const x = node.input(0);
  const named = node.optionalNumbers(1, 'axes') ?? node.list('axes');
  const axes = named?.map((axis) => node.axis(axis, x.rank));
  return reshapedTo(
    node,
    x,
    x.shape.filter((size, axis) => !(axes?.includes(axis) ?? size === 1)),
  );
};

export const unsqueeze: Rule = (node) => {
  const x = node.input(0);
  const named = node.optionalNumbers(1, 'axes') ?? node.list('axes') ?? [];
  const rank = x.rank + named.length;
  const sizes = [...x.shape];
  for (const axis of named.map((each) => node.axis(each, rank)).toSorted((a, b) => a - b))
    sizes.splice(axis, 0, 1);
  return reshapedTo(node, x, sizes);
};

/** Where a value repeats to a shape that it does not have, a sum with zeros of that shape. */
export const expand: Rule = (node) => {
  const x = node.input(0);
  const sizes = node.numbers(1, 'a shape');
  const count = elementCount(sizes);
  const same =
    x.shape.length >= sizes.length &&
    sizes.every((size, i) => {
      const own = x.shape[x.shape.length - sizes.length + i];
      return size === 1 || own === size;
    });
  if (same) return x;
  if (count > 2 ** 24) throw unsupported(node.where, `an expansion to ${count} elements`);
  const constantX = node.constant(x);
  const zeros: FloatTensor = {
    shape: sizes,
    data: constantX?.data instanceof Float64Array ? new Float64Array(count) : new Float32Array(count),
  };
  return plainValue(node.builder, node.add('add', [node.plain(x), node.builder.constant(zeros)], {}));
};

/** Rows of data; along other dimensions, one constant place. */
export const gather: Rule = (node) => {
  const data = node.input(0);
  const axis = node.axis(node.number('axis', 0), data.rank);
  const indices = node.input(1);
  const fixed = node.constant(indices);
  const isWhole = node.constant(data) !== undefined && fixed !== undefined;
  if (axis === 0 && (isWhole || fixed === undefined))
    return plainValue(node.builder, node.add('gather', [node.plain(data), node.plain(indices)], {}));
  if (fixed === undefined) throw unsupported(node.where, `indices along dimension ${axis}`);
  const length = data.shape[axis] ?? 1;
  const places = Array.from(fixed.data, (place) => (place < 0 ? place + length : place));
  if (places.length > 16) throw unsupported(node.where, `${places.length} constant indices`);
  const parts = places.map((place) =>
    cut(
      node,
      data,
      data.shape.map((_, at) => (at === axis ? place : 0)),
      data.shape.with(axis, 1),
      data.shape.map(() => 1),
    ),
  );
  const [first] = parts;
  if (first === undefined) throw unsupported(node.where, 'no indices');
  const all = parts.length === 1 ? first : joined(node, parts, axis);
  return reshapedTo(node, all, data.shape.toSpliced(axis, 1, ...indices.shape));
};

export function blocks(kind: 'depthToSpace' | 'spaceToDepth'): Rule {
  return (node) => {
    const order = node.text('mode', 'DCR') === 'CRD' ? 'channelFirst' : 'blockFirst';
    const id: ValueId = node.add(kind, [node.spatial(node.input(0))], {
      block: node.number('blocksize', 1),
      order,
    });
    return node.fromSpatial(id);
  };
}
