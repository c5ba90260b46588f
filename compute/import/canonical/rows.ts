import { unsupported } from '../model-error.js';
import { elementCount } from '../model.js';
import type { ValueId } from '../network/network.js';
import type { NodeContext, Rule } from './context.js';
import { lastAxis, lastValue, plainValue, reshaped, transposed, type Logical } from './logical.js';

export const softmax: Rule = (node) => {
  const x = node.input(0);
  const isOld = node.model.opset < 13;
  const axis = node.axis(node.number('axis', isOld ? 1 : -1), x.rank);
  if (isOld && axis !== x.rank - 1) {
    if (x.shape.slice(axis + 1).some((size) => size !== 1)) return flattened(node, x, axis);
  }
  if (x.last !== undefined && lastAxis(axis, x.rank) === 3)
    return lastValue(node.builder, node.add('softmax', [x.last], {}), x.rank);
  return plainValue(
    node.builder,
    alongLast(node, node.plain(x), axis, (id) => node.add('softmax', [id], {})),
  );
};

/** Before version 13, over all dimensions from `axis` on. */
function flattened(node: NodeContext, x: Logical, axis: number): Logical {
  const sizes = [elementCount(x.shape.slice(0, axis)), elementCount(x.shape.slice(axis))];
  const flat = reshaped(node.builder, node.where, node.plain(x), sizes);
  return plainValue(
    node.builder,
    reshaped(node.builder, node.where, node.add('softmax', [flat], {}), x.shape),
  );
}

/** What works along the last dimension, along another. */
function alongLast(node: NodeContext, id: ValueId, axis: number, make: (id: ValueId) => ValueId): ValueId {
  const rank = node.builder.shapeOf(id).length;
  if (axis === rank - 1) return make(id);
  const swap = Array.from({ length: rank }, (_, at) =>
    at === axis ? rank - 1 : at === rank - 1 ? axis : at,
  );
  const y = make(transposed(node.builder, node.where, id, swap));
  return transposed(node.builder, node.where, y, swap);
}

export const layerNormalization: Rule = (node) => {
  const x = node.input(0);
  const axis = node.axis(node.number('axis', -1), x.rank);
  const length = elementCount(x.shape.slice(axis));
  const vector = (value: Logical | undefined, otherwise: number): ValueId =>
    value === undefined
      ? node.builder.constant({ shape: [length], data: new Float32Array(length).fill(otherwise) })
      : reshaped(node.builder, node.where, node.plain(value), [length]);
  const rows = reshaped(node.builder, node.where, node.plain(x), [...x.shape.slice(0, axis), length]);
  const operands = [rows, vector(node.input(1), 1), vector(node.optional(2), 0)];
  const y = node.add('layerNorm', operands, { epsilon: node.number('epsilon', 1e-5) });
  return plainValue(node.builder, reshaped(node.builder, node.where, y, x.shape));
};

export function reduction(kind: 'sum' | 'mean' | 'max'): Rule {
  return (node) => {
    const x = node.input(0);
    const named = node.optionalNumbers(1, 'axes') ?? node.list('axes') ?? [];
    if (named.length === 0 && node.number('noop_with_empty_axes', 0) === 1) return x;
    const axes = (named.length === 0 ? x.shape.map((_, axis) => axis) : named).map((axis) =>
      node.axis(axis, x.rank),
    );
    const reduced = reduceAxes(node, x, axes, kind);
    if (node.number('keepdims', 1) === 1) return reduced;
    const sizes = x.shape.filter((_, axis) => !axes.includes(axis));
    return plainValue(node.builder, reshaped(node.builder, node.where, node.plain(reduced), sizes));
  };
}

function reduceAxes(
  node: NodeContext,
  x: Logical,
  axes: readonly number[],
  kind: 'sum' | 'mean' | 'max',
): Logical {
  const isLast = x.last !== undefined;
  const places = axes.map((axis) => (isLast ? lastAxis(axis, x.rank) : axis)).toSorted((a, b) => a - b);
  let id = isLast ? (x.last ?? 0) : node.plain(x);
  const [, height = 1, width = 1] = node.builder.shapeOf(id);
  const isImageMean = kind === 'mean' && node.builder.shapeOf(id).length === 4 && places.join() === '1,2';
  if (isImageMean && height * width <= 32_768) {
    const window = { strideHeight: 1, strideWidth: 1, padTop: 0, padBottom: 0, padLeft: 0, padRight: 0 };
    id = node.add('averagePool', [id], {
      ...window,
      kernelHeight: height,
      kernelWidth: width,
      countPadding: false,
    });
  } else for (const axis of places) id = node.add('reduce', [id], { kind, axis });
  return isLast ? lastValue(node.builder, id, x.rank) : plainValue(node.builder, id);
}

export const argmax: Rule = (node) => {
  const x = node.input(0);
  if (node.number('select_last_index', 0) === 1) throw unsupported(node.where, 'the last of equals');
  const axis = node.axis(node.number('axis', 0), x.rank);
  const id = node.add('argmax', [node.plain(x)], { axis });
  if (node.number('keepdims', 1) === 1) return plainValue(node.builder, id);
  return plainValue(node.builder, reshaped(node.builder, node.where, id, x.shape.toSpliced(axis, 1)));
};
