import type { TensorRef } from '../../../protocol/graph/builder.js';
import type { Range } from '../../../protocol/graph/tensors.js';
import type { LayerOf } from '../network/network.js';
import { elementOn } from './grid.js';
import type { Lowered, Lowering } from './lowering.js';

/** Layers whose results are elements of what they take, or lie between them: the grid stays. */
type Kept =
  | 'slice'
  | 'pad'
  | 'transpose'
  | 'reshape'
  | 'resize'
  | 'depthToSpace'
  | 'spaceToDepth'
  | 'maxPool'
  | 'averagePool';

export function lowerKept(low: Lowering, layer: LayerOf<Kept>): void {
  const given = low.get(layer.inputs[0] ?? 0);
  const isMean = layer.kind === 'averagePool' || (layer.kind === 'resize' && needsNarrow(layer));
  const x = isMean ? low.within(given, 32_767) : given;
  const ref = nodeFor(low, layer, x);
  const range = layer.kind === 'pad' ? padded(x, layer as LayerOf<'pad'>) : x.range;
  low.set(layer.output, { ...x, ref, range, shape: low.shapeOf(layer.output) });
}

function needsNarrow({ attributes }: LayerOf<Kept>): boolean {
  return 'grid' in attributes && attributes.mode === 'bilinear';
}

function nodeFor(low: Lowering, layer: LayerOf<Kept>, x: Lowered): TensorRef {
  const { graph } = low;
  const operands = { x: x.ref };
  const of = layer as { readonly [K in Kept]: LayerOf<K> }[Kept];
  switch (of.kind) {
    case 'slice':
      return graph.node('slice', operands, of.attributes);
    case 'pad': {
      const { mode, value } = of.attributes;
      return graph.node('pad', operands, {
        ...of.attributes,
        value: mode === 'constant' ? elementOn(x, value) : 0,
      });
    }
    case 'transpose':
      return graph.node('transpose', operands, of.attributes);
    case 'reshape':
      return graph.node('reshape', operands, { shape: low.shapeOf(of.output) });
    case 'resize':
      return graph.node('resize', operands, of.attributes);
    case 'depthToSpace':
      return graph.node('depthToSpace', operands, of.attributes);
    case 'spaceToDepth':
      return graph.node('spaceToDepth', operands, of.attributes);
    case 'maxPool':
      return graph.node('maxPool', operands, of.attributes);
    case 'averagePool':
      return graph.node('averagePool', operands, { ...of.attributes, zeroX: x.zero });
  }
}

function padded(x: Lowered, { attributes: { mode, value } }: LayerOf<'pad'>): Range {
  if (mode !== 'constant') return x.range;
  const element = elementOn(x, value);
  return { min: Math.min(x.range.min, element), max: Math.max(x.range.max, element) };
}

/** At most this many parts stand in one node. */
const MAX_PARTS = 16;

/** Parts on the grid of the whole. */
export function lowerConcat(low: Lowering, layer: LayerOf<'concat'>): void {
  const { axis } = layer.attributes;
  const given = layer.inputs.map((id) => low.get(id));
  const [first] = given;
  const areAlike =
    first !== undefined &&
    given.every((part) => part.scale === first.scale && part.zero === first.zero && part.type === first.type);
  const tail = areAlike ? undefined : low.tailOf(layer.output);
  const grid = tail === undefined ? first : low.gridOfTail(tail);
  if (grid === undefined) return;
  let parts = given.map((part) => low.onGrid(part, grid));
  const range = {
    min: Math.min(...parts.map((part) => part.range.min)),
    max: Math.max(...parts.map((part) => part.range.max)),
  };
  while (parts.length > 1) {
    const groups = Array.from({ length: Math.ceil(parts.length / MAX_PARTS) }, (_, i) =>
      parts.slice(i * MAX_PARTS, (i + 1) * MAX_PARTS),
    );
    parts = groups.map((group) => {
      const [only] = group;
      if (group.length === 1 && only !== undefined) return only;
      const ref = low.graph.node('concat', { parts: group.map((part) => part.ref) }, { axis });
      return { ...group[0], ...grid, ref, range, shape: low.shapeOf(layer.output) };
    });
  }
  const [whole] = parts;
  if (whole === undefined) return;
  const joined = {
    type: grid.type,
    scale: grid.scale,
    zero: grid.zero,
    ref: whole.ref,
    range,
    shape: low.shapeOf(layer.output),
  };
  if (tail === undefined || tail.value === layer.output) {
    low.set(layer.output, joined);
    return;
  }
  const stage = low.stage(tail, grid);
  const isClamped = stage.low > range.min || stage.high < range.max;
  const ref = isClamped
    ? low.graph.node('clamp', { x: joined.ref }, { low: stage.low, high: stage.high })
    : joined.ref;
  low.store(tail, ref, grid, isClamped ? stage : { low: range.min, high: range.max });
}
