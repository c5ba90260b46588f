import type { Attributes, OperandsAs, OperatorName } from '../../protocol/graph/operators.js';
import type { TensorData } from '../../protocol/graph/tensor-data.js';
import type { TensorType } from '../../protocol/graph/tensors.js';

export interface Tensor extends TensorType {
  readonly data: TensorData;
}

/** What an operator does: fills `y`, whose elements are zero and whose type and shape follow from the operands. */
export type Kernel<Op extends OperatorName> = (
  operands: OperandsAs<Op, Tensor>,
  attributes: Attributes<Op>,
  y: Tensor,
) => void;
