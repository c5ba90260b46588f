import { MAX_ROW, MAX_TERMS } from '../limits.js';
import { lastSize, sizeAt } from '../tensors.js';
import {
  checkAxis,
  checkLimit,
  checkOutput,
  checkShape,
  checkType,
  checkZero,
  NARROW_TYPES,
  type ShapeRule,
} from './rules.js';

/** The reduced dimension stays, with the size 1. */
export const reduceSum: ShapeRule<'reduceSum'> = ({ x, scale }, attributes, report) => {
  const { axis, zeroX } = attributes;
  if (!checkAxis(axis, x, report)) return undefined;
  checkZero('zeroX', zeroX, x.type, report);
  checkLimit('terms of a sum', sizeAt(x.shape, axis), MAX_TERMS, report);
  return checkOutput(x.shape.with(axis, 1), attributes, scale, report);
};

export const reduceMax: ShapeRule<'reduceMax'> = ({ x }, { axis }, report) =>
  checkAxis(axis, x, report) ? { type: x.type, shape: x.shape.with(axis, 1) } : undefined;

export const argmax: ShapeRule<'argmax'> = ({ x }, { axis }, report) =>
  checkAxis(axis, x, report) ? { type: 'int32', shape: x.shape.with(axis, 1) } : undefined;

export const softmax: ShapeRule<'softmax'> = ({ x, scale }, { outType }, report) => {
  checkLimit('row of', lastSize(x.shape), MAX_ROW, report);
  checkType('scale', scale, ['int32'], report);
  checkShape('scale', scale, [1, 2], report);
  const y = { type: outType, shape: x.shape };
  checkType('y', y, NARROW_TYPES, report);
  return y;
};

export const layerNorm: ShapeRule<'layerNorm'> = ({ x, gamma, beta, scale }, attributes, report) => {
  const length = lastSize(x.shape);
  checkLimit('row of', length, MAX_ROW, report);
  checkLimit('epsilon', attributes.epsilon, MAX_EPSILON, report);
  checkType('x', x, NARROW_TYPES, report);
  checkType('gamma', gamma, ['int16'], report);
  checkType('beta', beta, ['int32'], report);
  checkShape('gamma', gamma, [length], report);
  checkShape('beta', beta, [length], report);
  return checkOutput(x.shape, attributes, scale, report);
};

/** Added to the largest variance it still fits 32 bits. */
const MAX_EPSILON = 65_536;
