import { elementCount, sizeAt, TYPE_RANGES } from '../tensors.js';
import { checkAxis, checkRank, checkSameType, checkVector, type ShapeRule } from './rules.js';

export const concat: ShapeRule<'concat'> = ({ parts }, { axis }, report) => {
  const [first] = parts;
  if (first === undefined || !checkAxis(axis, first, report)) return undefined;
  const others = (shape: readonly number[]): string => shape.with(axis, 0).join();
  for (const part of parts) {
    checkSameType('parts', first, part, report);
    if (part.shape.length !== first.shape.length || others(part.shape) !== others(first.shape))
      report(
        'SHAPE_MISMATCH',
        `parts ${first.shape.join('×')} and ${part.shape.join('×')} along axis ${axis}`,
      );
  }
  const total = parts.reduce((sum, { shape }) => sum + sizeAt(shape, axis), 0);
  return { type: first.type, shape: first.shape.with(axis, total) };
};

export const slice: ShapeRule<'slice'> = ({ x }, { begin, size, step }, report) => {
  const rank = x.shape.length;
  const whole = Object.entries({ begin, size, step }).map(([name, vector]) =>
    checkVector(name, vector, rank, report),
  );
  if (whole.includes(false)) return undefined;
  for (const [axis, length] of x.shape.entries()) {
    const last = sizeAt(begin, axis) + (sizeAt(size, axis) - 1) * sizeAt(step, axis);
    if (last >= length) report('SHAPE_MISMATCH', `element ${last} is beyond dimension ${axis} of ${length}`);
  }
  return { type: x.type, shape: size };
};

export const pad: ShapeRule<'pad'> = ({ x }, { mode, value, before, after }, report) => {
  const rank = x.shape.length;
  const whole = [checkVector('before', before, rank, report), checkVector('after', after, rank, report)];
  if (whole.includes(false)) return undefined;
  const range = TYPE_RANGES[x.type];
  const [low, high] = mode === 'constant' ? [range.min, range.max] : [0, 0];
  if (value < low || value > high)
    report('ATTRIBUTE_INVALID', `value ${value} is not within ${low} and ${high}`);
  const shape = x.shape.map((size, axis) => {
    const [first, last] = [sizeAt(before, axis), sizeAt(after, axis)];
    if (mode === 'reflect' && Math.max(first, last) >= size)
      report('SHAPE_MISMATCH', `dimension ${axis} of ${size} cannot be reflected that far`);
    return size + first + last;
  });
  return { type: x.type, shape };
};

export const transpose: ShapeRule<'transpose'> = ({ x }, { permutation }, report) => {
  const axes = permutation.toSorted((a, b) => a - b);
  if (axes.join() !== [...x.shape.keys()].join()) {
    report('ATTRIBUTE_INVALID', `${permutation.join(', ')} does not order ${x.shape.length} dimensions`);
    return undefined;
  }
  return { type: x.type, shape: permutation.map((axis) => sizeAt(x.shape, axis)) };
};

export const reshape: ShapeRule<'reshape'> = ({ x }, { shape }, report) => {
  if (elementCount(shape) !== elementCount(x.shape))
    report('SHAPE_MISMATCH', `${x.shape.join('×')} does not reshape to ${shape.join('×')}`);
  return { type: x.type, shape };
};

export const depthToSpace: ShapeRule<'depthToSpace'> = ({ x }, { block }, report) => {
  if (!checkRank('x', x, 4, report)) return undefined;
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  if (channels % block ** 2 === 0)
    return {
      type: x.type,
      shape: [batch, height * block, width * block, Math.floor(channels / block ** 2)],
    };
  report('SHAPE_MISMATCH', `${channels} channels are not blocks of ${block}×${block}`);
  return undefined;
};

export const spaceToDepth: ShapeRule<'spaceToDepth'> = ({ x }, { block }, report) => {
  if (!checkRank('x', x, 4, report)) return undefined;
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  if (height % block === 0 && width % block === 0)
    return {
      type: x.type,
      shape: [batch, Math.floor(height / block), Math.floor(width / block), channels * block ** 2],
    };
  report('SHAPE_MISMATCH', `${height}×${width} is not made of blocks of ${block}×${block}`);
  return undefined;
};
