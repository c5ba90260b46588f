import { broadcastStrides, type DataType, type TensorType } from '../../../protocol/graph/tensors.js';
import { countOf, GROUP_SIZE, lanesOf, makePass, wordsOf, type DeviceTensor, type Pass } from './kernel.js';

/** Which element of an operand stands at each place of y: places in row-major order of `sizes`, a step along each dimension. */
export interface View {
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

export interface ElementParts {
  /** By the names they have in the text: `name_at(i)` is the element that stands at place i of y, `load_name(j)` the element j. */
  readonly reads: Readonly<Record<string, DeviceTensor>>;
  /** Operands that are not read place by place, in the order of their elements. */
  readonly views?: Readonly<Record<string, View>>;
  readonly y: DeviceTensor;
  readonly numbers?: Readonly<Record<string, number>>;
  readonly functions?: string;
  /** Body of `fn element(i: u32) -> i32`: element i of y. */
  readonly element: string;
  /** Body of `fn is_made(i: u32) -> bool`: false where y keeps what it has, made by a pass before. */
  readonly isMade?: string;
}

/** A kernel of which every invocation makes one word of y, element by element. */
export function elementPass(parts: ElementParts): Pass {
  const { reads, views = {}, y, numbers, functions = '', element, isMade } = parts;
  const lanes = lanesOf(y);
  const operands = Object.entries(reads).map(([name, tensor]) => operandCode(name, tensor, views[name], y));
  const words = wordsOf(y);
  return makePass({
    reads,
    y,
    ...(numbers !== undefined && { numbers }),
    functions: [
      ...operands.map(({ code }) => code),
      functions,
      `fn element(i: u32) -> i32 { ${element} }`,
      ...(isMade === undefined ? [] : [`fn is_made(i: u32) -> bool { ${isMade} }`]),
    ].join('\n'),
    main: `let word = group * ${GROUP_SIZE}u + lane;
  if (word >= ${words}u) { return; }
  ${operands.map(({ fetch }) => fetch).join('')}
  ${wordCode(lanes, countOf(y), isMade !== undefined)}`,
    groups: Math.ceil(words / GROUP_SIZE),
  });
}

function wordCode(lanes: number, count: number, keeps: boolean): string {
  const bits = 32 / lanes;
  const isWhole = count % lanes === 0;
  const conditions = [...(isWhole ? [] : [`i < ${count}u`]), ...(keeps ? ['is_made(i)'] : [])];
  const mask = lanes === 1 ? '0xffffffffu' : `${2 ** bits - 1}u`;
  const set = keeps
    ? `made = (made & ~(${mask} << shift)) | ((u32(element(i)) & ${mask}) << shift);`
    : `made |= (u32(element(i)) & ${mask}) << shift;`;
  if (lanes === 1 && conditions.length === 0) return `y[word] = u32(element(word));`;
  return `var made = ${keeps ? 'y[word]' : '0u'};
  for (var part = 0u; part < ${lanes}u; part++) {
    let i = word * ${lanes}u + part;
    let shift = part * ${bits % 32}u;
    ${conditions.length === 0 ? set : `if (${conditions.join(' && ')}) { ${set} }`}
  }
  y[word] = made;`;
}

/** Functions that read an operand. One that is read in order, in words as large as those of y, is read once for a word. */
function operandCode(
  name: string,
  tensor: DeviceTensor,
  view: View | undefined,
  y: DeviceTensor,
): { code: string; fetch: string } {
  const place = view === undefined ? 'i' : indexCode(view);
  const load = loadCode(name, tensor);
  const isInStep = place === 'i' && lanesOf(tensor) === lanesOf(y) && countOf(tensor) === countOf(y);
  if (!isInStep)
    return { code: `${load}\nfn ${name}_at(i: u32) -> i32 { return load_${name}(${place}); }`, fetch: '' };
  return {
    code: `${load}\nvar<private> ${name}_word: u32;
fn ${name}_at(i: u32) -> i32 { return ${laneCode(tensor.type, `${name}_word`, 'i')}; }`,
    fetch: `${name}_word = ${name}[word];\n  `,
  };
}

/** `load_name(j)`: element j. */
export function loadCode(name: string, { type }: TensorType, called = `load_${name}`): string {
  const word = {
    int8: `${name}[j >> 2u]`,
    uint8: `${name}[j >> 2u]`,
    int16: `${name}[j >> 1u]`,
    int32: `${name}[j]`,
  };
  return `fn ${called}(j: u32) -> i32 { return ${laneCode(type, word[type], 'j')}; }`;
}

function laneCode(type: DataType, word: string, index: string): string {
  switch (type) {
    case 'int8':
      return `i32(${word} << (24u - 8u * (${index} & 3u))) >> 24u`;
    case 'uint8':
      return `i32((${word} >> (8u * (${index} & 3u))) & 255u)`;
    case 'int16':
      return `i32(${word} << (16u - 16u * (${index} & 1u))) >> 16u`;
    case 'int32':
      return `i32(${word})`;
  }
}

/** The operand's element at place i, as an expression. Dimensions that lie behind each other are taken as one. */
export function indexCode({ sizes, strides, offset }: View): string {
  const merged = mergeDimensions(sizes, strides);
  let below = 1;
  const terms: string[] = [];
  for (const [at, { size, stride }] of merged.toReversed().entries()) {
    const quotient = below === 1 ? 'i' : `(i / ${below}u)`;
    const index = at === merged.length - 1 ? quotient : `(${quotient} % ${size}u)`;
    if (stride !== 0) terms.push(stride === 1 ? index : `${index} * ${stride}u`);
    below *= size;
  }
  if (offset > 0 || terms.length === 0) terms.push(`${offset}u`);
  return terms.join(' + ');
}

function mergeDimensions(
  sizes: readonly number[],
  strides: readonly number[],
): { size: number; stride: number }[] {
  const merged: { size: number; stride: number }[] = [];
  for (const [axis, size] of sizes.entries()) {
    const stride = strides[axis] ?? 0;
    if (size === 1) continue;
    const last = merged.at(-1);
    if (last?.stride === stride * size) merged[merged.length - 1] = { size: last.size * size, stride };
    else merged.push({ size, stride });
  }
  return merged;
}

/** An operand that is repeated to fill `shape`. */
export function repeatedView(small: TensorType, shape: readonly number[]): View {
  return { sizes: shape, strides: broadcastStrides(small.shape, shape), offset: 0 };
}
