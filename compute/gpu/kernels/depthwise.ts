import { lastSize, sizeAt } from '../../../protocol/graph/tensors.js';
import { elementPass } from './elements.js';
import type { Lower } from './lower.js';
import { stageCode } from './output-stage.js';
import { ANYWHERE, pixelCode, tapsCode } from './windows.js';

/** Output channel c reads input channel ⌊c / multiplier⌋ alone: there is nothing to multiply by words. */
export const depthwiseConv2d: Lower<'depthwiseConv2d'> = (operands, attributes, y, { add: pass }) => {
  const { x, weights, bias, scale } = operands;
  const stage = stageCode(attributes, scale);
  const [kernelHeight, kernelWidth, outputs] = [0, 1, 2].map((axis) => sizeAt(weights.shape, axis)) as [
    number,
    number,
    number,
  ];
  const channels = lastSize(x.shape);
  const others = { weights, ...(bias !== undefined && { bias }), ...stage.reads };
  const visit = `let weight = load_weights((tap_row * ${kernelWidth}u + tap_column) * ${outputs}u + channel);
      sum += (load_x(pixel * ${channels}u + channel / ${outputs / channels}u) - params.zeroX) * (weight - params.zeroWeights);`;
  pass(
    elementPass({
      reads: { x, ...others },
      views: { x: ANYWHERE, ...Object.fromEntries(Object.keys(others).map((name) => [name, ANYWHERE])) },
      y,
      numbers: { ...stage.numbers, zeroX: attributes.zeroX, zeroWeights: attributes.zeroWeights },
      functions: stage.functions,
      element: `${pixelCode(y)}
  var sum = ${bias === undefined ? '0' : 'load_bias(channel)'};
  ${tapsCode(x, kernelHeight, kernelWidth, attributes, visit)}
  return stage(sum, channel);`,
    }),
  );
};
