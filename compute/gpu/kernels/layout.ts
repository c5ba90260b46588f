import { lastSize, sizeAt, stridesOf, TYPE_BYTES, type TensorType } from '../../../protocol/graph/tensors.js';
import { elementPass, type View } from './elements.js';
import { countOf, type DeviceTensor, type Pass } from './kernel.js';
import type { Lower } from './lower.js';

/** Parts that one pass reads. */
const PARTS_AT_ONCE = 7;

/** An element comes from the part that its place along the axis lies in; of more parts than a pass can read, later passes fill in theirs. */
export const concat: Lower<'concat'> = ({ parts }, { axis }, y, { add: pass }) => {
  const inner = countOf({ type: y.type, shape: y.shape.slice(axis + 1) });
  const units = parts.map(({ shape }) => sizeAt(shape, axis) * inner);
  const whole = sizeAt(y.shape, axis) * inner;
  const starts = units.map((_, part) => units.slice(0, part).reduce((sum, unit) => sum + unit, 0));
  const words = inWords([...units, whole, ...starts], y);
  const target = words === 1 ? y : asWords(y);
  for (let first = 0; first < parts.length; first += PARTS_AT_ONCE) {
    const chunk = parts.slice(first, first + PARTS_AT_ONCE);
    const named = chunk.map((part, index) => [`part${index}`, words === 1 ? part : asWords(part)] as const);
    const run = Math.floor(whole / words);
    const sources = named.map(([name], index) => {
      const [start, unit] = [starts[first + index] ?? 0, units[first + index] ?? 0].map((n) =>
        Math.floor(n / words),
      );
      return {
        end: (start ?? 0) + (unit ?? 0),
        load: `load_${name}(i / ${run}u * ${unit}u + place - ${start}u)`,
      };
    });
    const begin = Math.floor((starts[first] ?? 0) / words);
    const end = sources.at(-1)?.end ?? run;
    pass(
      elementPass({
        reads: Object.fromEntries(named),
        views: Object.fromEntries(named.map(([name]) => [name, { sizes: [], strides: [], offset: 0 }])),
        y: target,
        element: `let place = i % ${run}u;
  ${sources
    .slice(0, -1)
    .map((source) => `if (place < ${source.end}u) { return ${source.load}; }`)
    .join('\n  ')}
  return ${sources.at(-1)?.load ?? '0'};`,
        ...(chunk.length < parts.length && {
          isMade: `let place = i % ${run}u;\n  return place >= ${begin}u && place < ${end}u;`,
        }),
      }),
    );
  }
};

/** Elements in a word where all these counts are whole numbers of words, else 1. */
function inWords(counts: readonly number[], { type }: TensorType): number {
  const lanes = Math.floor(4 / TYPE_BYTES[type]);
  return counts.every((count) => count % lanes === 0) ? lanes : 1;
}

/** The same memory as a row of 32-bit elements. */
function asWords({ storage }: DeviceTensor): DeviceTensor {
  return { type: 'int32', shape: [storage.words], storage };
}

/** Fills y with elements of x that lie in steps; whole words at once where both rows are made of such. */
export function copyView(x: DeviceTensor, view: View, y: DeviceTensor): Pass {
  const { sizes, strides, offset } = view;
  const last = strides.length - 1;
  const words = strides[last] === 1 ? inWords([...strides.slice(0, last), lastSize(sizes), offset], y) : 1;
  if (words === 1) return elementPass({ reads: { x }, views: { x: view }, y, element: 'return x_at(i);' });
  const divided = (n: number): number => Math.floor(n / words);
  const inner: View = {
    sizes: sizes.with(last, divided(lastSize(sizes))),
    strides: [...strides.slice(0, last).map(divided), 1],
    offset: divided(offset),
  };
  const [from, to] = [asWords(x), asWords(y)];
  return elementPass({ reads: { x: from }, views: { x: inner }, y: to, element: 'return x_at(i);' });
}

export const slice: Lower<'slice'> = ({ x }, { begin, size, step }, y, { add: pass }) => {
  const strides = stridesOf(x.shape);
  const offset = begin.reduce((sum, first, axis) => sum + first * sizeAt(strides, axis), 0);
  const steps = strides.map((stride, axis) => stride * sizeAt(step, axis));
  pass(copyView(x, { sizes: size, strides: steps, offset }, y));
};

export const transpose: Lower<'transpose'> = ({ x }, { permutation }, y, { add: pass }) => {
  const strides = stridesOf(x.shape);
  pass(
    copyView(x, { sizes: y.shape, strides: permutation.map((axis) => sizeAt(strides, axis)), offset: 0 }, y),
  );
};

export const depthToSpace: Lower<'depthToSpace'> = ({ x }, { block, order }, y, { add: pass }) => {
  const [batch = 0, height = 0, width = 0] = x.shape;
  const channels = lastSize(y.shape);
  const inner = order === 'blockFirst' ? [block, block, channels] : [channels, block, block];
  const strides = stridesOf([batch, height, width, ...inner]);
  const axes = order === 'blockFirst' ? [0, 1, 3, 2, 4, 5] : [0, 1, 4, 2, 5, 3];
  const view = {
    sizes: [batch, height, block, width, block, channels],
    strides: axes.map((axis) => sizeAt(strides, axis)),
    offset: 0,
  };
  pass(copyView(x, view, y));
};

export const spaceToDepth: Lower<'spaceToDepth'> = ({ x }, { block, order }, y, { add: pass }) => {
  const [batch = 0, height = 0, width = 0] = y.shape;
  const channels = lastSize(x.shape);
  const strides = stridesOf([batch, height, block, width, block, channels]);
  const axes = order === 'blockFirst' ? [0, 1, 3, 2, 4, 5] : [0, 1, 3, 5, 2, 4];
  const sizes = [batch, height, block, width, block, channels];
  const view = {
    sizes: axes.map((axis) => sizeAt(sizes, axis)),
    strides: axes.map((axis) => sizeAt(strides, axis)),
    offset: 0,
  };
  pass(copyView(x, view, y));
};

/** Along each dimension a place of y is one of x, or is mirrored or held at its edge, or is none. */
export const pad: Lower<'pad'> = ({ x }, { mode, value, before }, y, { add: pass }) => {
  const strides = stridesOf(x.shape);
  const yStrides = stridesOf(y.shape);
  const steps = x.shape.map((size, axis) => {
    const within = sizeAt(yStrides, axis) === 1 ? 'i' : `(i / ${sizeAt(yStrides, axis)}u)`;
    const place = `i32(${within} % ${sizeAt(y.shape, axis)}u) - ${sizeAt(before, axis)}`;
    const found = {
      constant: 'p',
      edge: `clamp(p, 0, ${size - 1})`,
      reflect: `min(abs(p), ${2 * (size - 1)} - abs(p))`,
    }[mode];
    const guard = mode === 'constant' ? `if (p < 0 || p >= ${size}) { return params.value; }` : '';
    return `{ let p = ${place}; ${guard} j += u32(${found}) * ${sizeAt(strides, axis)}u; }`;
  });
  pass(
    elementPass({
      reads: { x },
      views: { x: { sizes: [], strides: [], offset: 0 } },
      y,
      numbers: { value },
      element: `var j = 0u;\n  ${steps.join('\n  ')}\n  return load_x(j);`,
    }),
  );
};
