import { OgpuError } from '../errors.js';
import type { Fault } from '../faults.js';
import type { OperatorName } from './operators.js';

/** Why a graph, or weights for it, are refused. */
export type GraphFaultCode =
  | 'OPERATOR_UNKNOWN'
  | 'OPERAND_COUNT'
  | 'OPERAND_UNKNOWN'
  | 'OPERAND_NOT_CONSTANT'
  | 'ATTRIBUTE_COUNT'
  | 'ATTRIBUTE_INVALID'
  | 'TYPE_UNSUPPORTED'
  | 'TYPE_MISMATCH'
  | 'SHAPE_INVALID'
  | 'SHAPE_MISMATCH'
  | 'WINDOW_INVALID'
  | 'ZERO_POINT_INVALID'
  | 'CLAMP_INVALID'
  | 'RANGE_INVALID'
  | 'UNUSED'
  | 'NO_INPUT'
  | 'NO_OUTPUT'
  | 'STATE_MISMATCH'
  | 'VERSION_UNKNOWN'
  | 'LIMIT_EXCEEDED'
  | 'ACCUMULATOR_OVERFLOW'
  | 'INDEX_OUT_OF_RANGE'
  | 'SCALE_INVALID'
  | 'WEIGHTS_LENGTH'
  | 'WEIGHTS_HASH'
  | 'WEIGHTS_PADDING'
  | 'WEIGHTS_OUT_OF_RANGE'
  | 'STATE_RANGE';

/** One thing wrong with a graph. `path` is `inputs[i]`, `constants[i]`, `nodes[i]`, `outputs[i]`, `weights` or `$`. */
export interface GraphFault extends Fault {
  readonly code: GraphFaultCode;
  /** Of the node at fault, where one is. */
  readonly node?: number;
  readonly operator?: OperatorName;
}

/** A graph is refused; `faults` says all that is wrong with it. */
export class GraphError extends OgpuError<'GRAPH_REFUSED'> {
  readonly faults: readonly GraphFault[];

  constructor(faults: readonly GraphFault[]) {
    const [first] = faults;
    const rest = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
    super('GRAPH_REFUSED', `graph refused: ${first === undefined ? '' : describeFault(first)}${rest}`, {
      faults,
    });
    this.faults = faults;
  }
}

/** `nodes[3] conv2d: weights have 4 input channels, x has 3 [SHAPE_MISMATCH]` */
export function describeFault({ path, operator, message, code }: GraphFault): string {
  return `${path}${operator === undefined ? '' : ` ${operator}`}: ${message} [${code}]`;
}

/** @throws GraphError unless there are no faults */
export function refuseFaults(faults: readonly GraphFault[]): void {
  if (faults.length > 0) throw new GraphError(faults);
}

/** What a check of a part of a graph reports to. */
export type Report = (code: GraphFaultCode, message: string) => void;
