import { invariant } from '../../../protocol/invariant.js';
import type { Attributes, OperandsAs } from '../../../protocol/graph/operators.js';
import { lastSize, sizeAt, TYPE_RANGES } from '../../../protocol/graph/tensors.js';
import { elementPass, repeatedView, type View } from './elements.js';
import { countOf, type DeviceTensor } from './kernel.js';
import type { Lower } from './lower.js';
import { SCALE_ROUND, stageCode } from './output-stage.js';

export const add: Lower<'add'> = (operands, attributes, y, { add: pass }) => {
  pass(sumOrDifference(operands, attributes, y, '+'));
};

export const sub: Lower<'sub'> = (operands, attributes, y, { add: pass }) => {
  pass(sumOrDifference(operands, attributes, y, '-'));
};

export const mul: Lower<'mul'> = ({ a, b, scale }, attributes, y, { add: pass }) => {
  const stage = stageCode(attributes, scale);
  pass(
    elementPass({
      ...pairOf(a, b, attributes, stage),
      y,
      functions: stage.functions,
      element: `return stage((a_at(i) - params.zeroA) * (b_at(i) - params.zeroB), i % ${lastSize(y.shape)}u);`,
    }),
  );
};

function sumOrDifference(
  { a, b, scale }: OperandsAs<'add', DeviceTensor>,
  attributes: Attributes<'add'>,
  y: DeviceTensor,
  sign: '+' | '-',
): ReturnType<typeof elementPass> {
  const stage = stageCode(attributes);
  const [left, right] = ['(a_at(i) - params.zeroA)', '(b_at(i) - params.zeroB)'];
  if (scale === undefined)
    return elementPass({
      ...pairOf(a, b, attributes, stage),
      y,
      functions: stage.functions,
      element: `return stage(${left} ${sign} ${right}, 0u);`,
    });
  const { data } = scale.storage;
  invariant(data !== undefined, 'a scale is a constant');
  const [scaleA = 0, shiftA = 1, scaleB = 0, shiftB = 1, scaleY = 0, shiftY = 1] = data;
  const numbers = { ...stage.numbers, scaleA, shiftA, scaleB, shiftB, scaleY, shiftY };
  return elementPass({
    ...pairOf(a, b, attributes, { ...stage, numbers }),
    y,
    functions: `${SCALE_ROUND}
fn term(value: i32, multiplier: i32, shift: i32) -> i32 {
  return clamp(scale_round(value, multiplier, shift), -0x40000000, 0x3fffffff);
}
${stage.functions}`,
    element: `let sum = term(${left}, params.scaleA, params.shiftA) ${sign} term(${right}, params.scaleB, params.shiftB);
  return stage(scale_round(sum, params.scaleY, params.shiftY), 0u);`,
  });
}

/** Two operands, the second repeated, with their zero points. */
function pairOf(
  a: DeviceTensor,
  b: DeviceTensor,
  { zeroA, zeroB }: { readonly zeroA: number; readonly zeroB: number },
  stage: Pick<ReturnType<typeof stageCode>, 'reads' | 'numbers'>,
): Pick<Parameters<typeof elementPass>[0], 'reads' | 'views' | 'numbers'> {
  return {
    reads: { a, b, ...stage.reads },
    views: { b: repeatedView(b, a.shape), ...wholeViews(stage.reads) },
    numbers: { ...stage.numbers, zeroA, zeroB },
  };
}

/** For operands that are not read place by place at all. */
export function wholeViews(reads: Readonly<Record<string, DeviceTensor>>): Record<string, View> {
  const one: View = { sizes: [], strides: [], offset: 0 };
  return Object.fromEntries(Object.keys(reads).map((name) => [name, one]));
}

export const requantise: Lower<'requantise'> = ({ x, scale }, attributes, y, { add: pass }) => {
  const stage = stageCode(attributes, scale);
  pass(
    elementPass({
      reads: { x, ...stage.reads },
      views: wholeViews(stage.reads),
      y,
      numbers: { ...stage.numbers, zeroX: attributes.zeroX },
      functions: stage.functions,
      element: `return stage(x_at(i) - params.zeroX, i % ${lastSize(y.shape)}u);`,
    }),
  );
};

export const clamp: Lower<'clamp'> = ({ x }, { low, high }, y, { add: pass }) => {
  const element = 'return clamp(x_at(i), params.low, params.high);';
  pass(elementPass({ reads: { x }, y, numbers: { low, high }, element }));
};

export const cast: Lower<'cast'> = ({ x }, { outType }, y, make) => {
  const { min, max } = TYPE_RANGES[outType];
  clamp({ x }, { low: min, high: max }, y, make);
};

/** An element's place in the table is its distance from the least of its type: it cannot miss. */
export const lookup: Lower<'lookup'> = ({ x, table }, _, y, { add: pass }) => {
  const entries = lastSize(table.shape);
  const row = table.shape.length === 2 ? ` + (i % ${lastSize(x.shape)}u) * ${entries}u` : '';
  pass(
    elementPass({
      reads: { x, table },
      views: wholeViews({ table }),
      y,
      element: `return load_table(u32(x_at(i) + ${-TYPE_RANGES[x.type].min})${row});`,
    }),
  );
};

const RELATIONS: Readonly<Record<Attributes<'compare'>['relation'], string>> = {
  equal: '==',
  notEqual: '!=',
  less: '<',
  lessOrEqual: '<=',
  greater: '>',
  greaterOrEqual: '>=',
};

export const compare: Lower<'compare'> = ({ a, b }, { relation }, y, { add: pass }) => {
  pass(
    elementPass({
      reads: { a, b },
      views: { b: repeatedView(b, a.shape) },
      y,
      element: `return select(0, 1, a_at(i) ${RELATIONS[relation]} b_at(i));`,
    }),
  );
};

export const select: Lower<'select'> = ({ condition, a, b }, _, y, { add: pass }) => {
  pass(
    elementPass({
      reads: { condition, a, b },
      views: { condition: repeatedView(condition, a.shape), b: repeatedView(b, a.shape) },
      y,
      element: 'return select(b_at(i), a_at(i), condition_at(i) != 0);',
    }),
  );
};

export const gather: Lower<'gather'> = ({ data, indices }, _, y, { add: pass }) => {
  const rows = sizeAt(data.shape, 0);
  const length = Math.floor(countOf(data) / rows);
  pass(
    elementPass({
      reads: { data, indices },
      views: wholeViews({ data, indices }),
      y,
      element: `let row = u32(clamp(load_indices(i / ${length}u), 0, ${rows - 1}));
  return load_data(row * ${length}u + i % ${length}u);`,
    }),
  );
};
