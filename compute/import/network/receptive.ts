import type { Layer, Network, ValueId } from './network.js';

/** What one pixel of a value depends on: input pixels beyond its own place, and how many pixels it has for one of the input. */
interface Reach {
  /** In pixels of the network's input, before and after alike. */
  readonly margin: number;
  readonly density: number;
}

/**
 * Pixels beyond its own that a pixel of the output depends on: with tiles that overlap by as many, no seam is left. Undefined where
 * that cannot be told: the network has no image, more than one, or layers that look at all of it.
 */
export function receptiveMargin({ inputs, outputs, values, layers }: Network): number | undefined {
  const [input, ...others] = inputs;
  const isImage = (id: ValueId): boolean => values[id]?.shape.length === 4;
  if (input === undefined || others.length > 0 || !isImage(input.value)) return undefined;
  const reaches = new Map<ValueId, Reach>([[input.value, { margin: 0, density: 1 }]]);
  for (const layer of layers) {
    const before = layer.inputs.flatMap((id) => reaches.get(id) ?? []);
    const [first] = before;
    if (first === undefined) continue;
    const margin = Math.max(...before.map((reach) => reach.margin));
    const reach = isImage(layer.output) ? reachAfter(layer, { ...first, margin }, values) : undefined;
    if (reach === undefined) return undefined;
    reaches.set(layer.output, reach);
  }
  const [output] = outputs;
  const reach = output && reaches.get(output.value);
  return reach && Math.ceil(reach.margin);
}

const LOCAL = new Set<Layer['kind']>([
  'add',
  'sub',
  'mul',
  'clip',
  'prelu',
  'curve',
  'softmax',
  'quantise',
  'dequantise',
  'layerNorm',
]);

function reachAfter(layer: Layer, { margin, density }: Reach, values: Network['values']): Reach | undefined {
  if (LOCAL.has(layer.kind)) return { margin, density };
  const widened = (kernel: number, stride: number, padding: number): Reach => ({
    margin: margin + Math.max(kernel - 1 - padding, padding) / density,
    density: density / stride,
  });
  switch (layer.kind) {
    case 'conv': {
      const [, height = 1, width = 1] = values[layer.inputs[1] ?? -1]?.shape ?? [];
      const { dilationHeight, dilationWidth, strideHeight, strideWidth, padTop, padLeft } = layer.attributes;
      const tall = widened((height - 1) * dilationHeight + 1, strideHeight, padTop);
      const wide = widened((width - 1) * dilationWidth + 1, strideWidth, padLeft);
      return strideHeight === strideWidth
        ? { ...tall, margin: Math.max(tall.margin, wide.margin) }
        : undefined;
    }
    case 'maxPool':
    case 'averagePool': {
      const { kernelHeight, kernelWidth, strideHeight, strideWidth, padTop } = layer.attributes;
      const isEven = strideHeight === strideWidth;
      return isEven ? widened(Math.max(kernelHeight, kernelWidth), strideHeight, padTop) : undefined;
    }
    case 'concat':
      return layer.attributes.axis === 3 ? { margin, density } : undefined;
    case 'resize': {
      const [, height = 1] = values[layer.inputs[0] ?? -1]?.shape ?? [];
      const { mode } = layer.attributes;
      const factor = layer.attributes.height / height;
      return { margin: margin + (mode === 'nearest' ? 0 : 1 / density), density: density * factor };
    }
    case 'depthToSpace':
      return { margin, density: density * layer.attributes.block };
    case 'spaceToDepth':
      return {
        margin: margin + (layer.attributes.block - 1) / density,
        density: density / layer.attributes.block,
      };
    default:
      return undefined;
  }
}
