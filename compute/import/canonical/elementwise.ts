import type { CurveName } from '../float/curves.js';
import { unsupported } from '../model-error.js';
import type { LayerAttributes, LayerKind, ValueId } from '../network/network.js';
import type { NodeContext, Rule } from './context.js';
import { lastOf, lastValue, plainValue, reshaped, type Logical } from './logical.js';

/** A layer that takes and makes one value, in whatever order that is. */
export function unary<Kind extends LayerKind>(
  node: NodeContext,
  x: Logical,
  kind: Kind,
  attributes: LayerAttributes[Kind],
): Logical {
  return alike(node, x, (id) => node.add(kind, [id], attributes));
}

export function alike(node: NodeContext, x: Logical, make: (id: ValueId) => ValueId): Logical {
  if (x.last !== undefined) return lastValue(node.builder, make(x.last), x.rank);
  return plainValue(node.builder, make(node.plain(x)));
}

/** Two values in one order: with channels last where one of them has that, and with as many dimensions. */
export function binary(
  node: NodeContext,
  a: Logical,
  b: Logical,
  make: (a: ValueId, b: ValueId) => ValueId,
): Logical {
  const rank = Math.max(a.rank, b.rank);
  const hasLast = [a, b].some((value) => value.last !== undefined && value.rank === rank);
  if (!hasLast) return plainValue(node.builder, make(node.plain(a), node.plain(b)));
  const turned = [a, b].map((value) => {
    if (value.rank === rank || value.rank === 0)
      return value.rank === 0 ? node.plain(value) : lastOf(node.builder, node.where, value);
    const shape = [...Array.from({ length: rank - value.rank }, () => 1), ...value.shape];
    return lastOf(
      node.builder,
      node.where,
      plainValue(node.builder, reshaped(node.builder, node.where, node.plain(value), shape)),
    );
  });
  return lastValue(node.builder, make(turned[0] ?? 0, turned[1] ?? 0), rank);
}

export function arithmetic(kind: 'add' | 'sub' | 'mul' | 'div'): Rule {
  return (node) => combine(node, kind, node.input(0), node.input(1));
}

export function combine(
  node: NodeContext,
  kind: 'add' | 'sub' | 'mul' | 'div' | 'prelu',
  a: Logical,
  b: Logical,
): Logical {
  const divisor = kind === 'div' ? node.constant(b) : undefined;
  const isWhole = [a, b].every((value) => node.constant(value)?.data instanceof Float64Array);
  if (divisor !== undefined && !isWhole) {
    const inverse = { shape: divisor.shape, data: Float32Array.from(divisor.data, (each) => 1 / each) };
    return combine(node, 'mul', a, plainValue(node.builder, node.builder.constant(inverse)));
  }
  return binary(node, a, b, (left, right) => node.add(kind, [left, right], {}));
}

export const prelu: Rule = (node) => combine(node, 'prelu', node.input(0), node.input(1));

export function curve(name: CurveName, alpha = 0, beta = 0): Rule {
  return (node) =>
    unary(node, node.input(0), 'curve', {
      curve: name,
      alpha: node.number('alpha', alpha),
      beta: node.number('gamma', node.number('beta', beta)),
    });
}

export const gelu: Rule = (node) =>
  unary(node, node.input(0), 'curve', {
    curve: node.text('approximate', 'none') === 'tanh' ? 'geluTanh' : 'gelu',
    alpha: 0,
    beta: 0,
  });

export const relu: Rule = (node) => unary(node, node.input(0), 'clip', { low: 0, high: Infinity });

export const leakyRelu: Rule = (node) =>
  combine(node, 'prelu', node.input(0), plainValue(node.builder, node.scalar(node.number('alpha', 0.01))));

export const clip: Rule = (node) => {
  const low = node.optionalNumbers(1, 'a least value')?.[0] ?? node.number('min', -Infinity);
  const high = node.optionalNumbers(2, 'a greatest value')?.[0] ?? node.number('max', Infinity);
  return unary(node, node.input(0), 'clip', { low, high: Math.max(low, high) });
};

/** The greater, or lesser, of a value and a number. */
export function bound(side: 'low' | 'high'): Rule {
  return (node) => {
    const [a, b] = [node.input(0), node.input(1)];
    const [value, limit] = node.constant(a) === undefined ? [a, node.constant(b)] : [b, node.constant(a)];
    if (node.inputCount !== 2 || limit?.data.length !== 1)
      throw unsupported(node.where, 'more than a value and one number');
    const number = limit.data[0] ?? 0;
    return unary(
      node,
      value,
      'clip',
      side === 'low' ? { low: number, high: Infinity } : { low: -Infinity, high: number },
    );
  };
}

export const negate: Rule = (node) =>
  alike(node, node.input(0), (id) => node.add('mul', [id, node.scalar(-1)], {}));

export const power: Rule = (node) => {
  const [exponent, ...others] = node.numbers(1, 'an exponent');
  if (exponent === undefined || others.length > 0) throw unsupported(node.where, 'exponents of many values');
  if (exponent === 2) return combine(node, 'mul', node.input(0), node.input(0));
  if (exponent === 0.5) return unary(node, node.input(0), 'curve', { curve: 'sqrt', alpha: 0, beta: 0 });
  return unary(node, node.input(0), 'curve', { curve: 'power', alpha: exponent, beta: 0 });
};

export const sum: Rule = (node) => {
  let total = node.input(0);
  for (let place = 1; place < node.inputCount; place++)
    total = combine(node, 'add', total, node.input(place));
  return total;
};
