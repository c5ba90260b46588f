import type { NetworkBuilder } from '../network/builder.js';
import type { ValueId } from '../network/network.js';

/**
 * A value of a model whose channels come second, in either order or both. `last` has channels last and four dimensions: a line of
 * length L lies in it as an image of height 1. Models with channels last have `plain` alone.
 */
export class Logical {
  plain: ValueId | undefined;
  last: ValueId | undefined;
  /** As the model sees it. */
  readonly shape: readonly number[];

  constructor(shape: readonly number[], order: { readonly plain?: ValueId; readonly last?: ValueId }) {
    this.shape = shape;
    this.plain = order.plain;
    this.last = order.last;
  }

  get rank(): number {
    return this.shape.length;
  }
}

export function plainValue(builder: NetworkBuilder, id: ValueId): Logical {
  return new Logical(builder.shapeOf(id), { plain: id });
}

/** A value with its channels last, of a model that has them second. */
export function lastValue(builder: NetworkBuilder, id: ValueId, rank: number): Logical {
  const [batch = 1, height = 1, width = 1, channels = 1] = builder.shapeOf(id);
  const shape = rank === 3 ? [batch, channels, width] : [batch, channels, height, width];
  return new Logical(shape, { last: id });
}

/** Where a dimension of the model's lies among those of `last`. */
export function lastAxis(axis: number, rank: number): number {
  if (axis === 0) return 0;
  if (axis === 1) return 3;
  return rank === 3 ? 2 : axis - 1;
}

/** In the model's own order. */
export function plainOf(builder: NetworkBuilder, where: string, value: Logical): ValueId {
  if (value.plain !== undefined) return value.plain;
  const last = value.last ?? 0;
  const turned = transposed(builder, where, last, [0, 3, 1, 2]);
  value.plain = reshaped(builder, where, turned, value.shape);
  return value.plain;
}

/** With channels last, as an image. */
export function lastOf(builder: NetworkBuilder, where: string, value: Logical): ValueId {
  if (value.last !== undefined) return value.last;
  const [batch = 1, channels = 1, ...sizes] = value.shape;
  const [height = 1, width = 1] = sizes.length === 1 ? [1, ...sizes] : sizes;
  const image = reshaped(builder, where, value.plain ?? 0, [batch, channels, height, width]);
  value.last = transposed(builder, where, image, [0, 2, 3, 1]);
  return value.last;
}

/** No layer where the shape is that one already. */
export function reshaped(
  builder: NetworkBuilder,
  where: string,
  id: ValueId,
  shape: readonly number[],
): ValueId {
  if (builder.shapeOf(id).join() === shape.join()) return id;
  return builder.add('reshape', where, [id], { shape });
}

/** Nothing where nothing moves, and a reshape where only dimensions of size 1 do. */
export function transposed(
  builder: NetworkBuilder,
  where: string,
  id: ValueId,
  permutation: readonly number[],
): ValueId {
  if (permutation.every((axis, at) => axis === at)) return id;
  const shape = builder.shapeOf(id);
  const moving = permutation.filter((axis) => shape[axis] !== 1);
  const isStill = moving.every((axis, at) => at === 0 || axis > (moving[at - 1] ?? -1));
  if (isStill && builder.constantOf(id) === undefined)
    return reshaped(
      builder,
      where,
      id,
      permutation.map((axis) => shape[axis] ?? 1),
    );
  return builder.add('transpose', where, [id], { permutation });
}
