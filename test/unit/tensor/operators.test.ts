import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { executeProgram } from '../../../compute/reference/execute.js';
import { openProgram } from '../../../protocol/graph/check.js';
import { GraphError } from '../../../protocol/graph/faults.js';
import { nodeWork } from '../../../protocol/graph/meter.js';
import { OPERATOR_NAMES, resolveOperands } from '../../../protocol/graph/operators.js';
import { proveProgram } from '../../../protocol/graph/prove.js';
import { createPrng } from '../../support/prng.js';
import { randomCase, type TensorCase } from '../../support/tensor/cases.js';
import { oracle, type Numbers, type OracleResult } from '../../support/tensor/oracle.js';

const CASES = Number(process.env['OGPU_CASES'] ?? 150);

/** Runs one case both ways; undefined where the bounds of its sums are not proved, whatever its inputs are. */
function compareCase(sample: TensorCase): OracleResult | undefined {
  const program = openProgram(sample.graph);
  let proven;
  try {
    proven = proveProgram(program, sample.weights);
  } catch (error) {
    assert.ok(error instanceof GraphError);
    assert.deepEqual(
      error.faults.filter(({ code }) => code !== 'ACCUMULATOR_OVERFLOW'),
      [],
    );
    return undefined;
  }
  const [y] = executeProgram(proven, sample.inputs);
  const [node] = sample.graph.nodes;
  const id = program.tensors.length - 1;
  const [made, range] = [program.tensors[id], proven.ranges[id]];
  assert.ok(node !== undefined && made !== undefined && y !== undefined && range !== undefined);
  const elements = [...sample.inputs, ...sample.constants];
  const operands = resolveOperands(node, (operand): Numbers | undefined => {
    const tensor = program.tensors[operand];
    return tensor && { ...tensor, values: Array.from(elements[operand] ?? [], BigInt) };
  });
  const expected = oracle(node, operands as unknown as Record<string, Numbers>, made);
  assert.deepEqual(Array.from(y, BigInt), expected.values);
  const { macs, steps } = nodeWork(node, id, program.tensors);
  assert.deepEqual({ macs, steps }, { macs: expected.macs, steps: expected.steps });
  for (const value of y) assert.ok(value >= range.min && value <= range.max, `${value} is outside its proof`);
  return expected;
}

describe('every operator is what its specification says, and costs what the meter says', () => {
  for (const [place, op] of OPERATOR_NAMES.entries()) {
    test(op, () => {
      let proved = 0;
      for (let seed = 0; seed < CASES; seed++) {
        const prng = createPrng(1000 * place + seed);
        try {
          if (compareCase(randomCase(op, prng)) !== undefined) proved++;
        } catch (error) {
          throw new Error(`seed ${1000 * place + seed}`, { cause: error });
        }
      }
      assert.ok(proved > CASES / 2, `only ${proved} of ${CASES} cases were proved and run`);
    });
  }
});
