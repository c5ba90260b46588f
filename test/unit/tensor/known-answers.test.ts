import assert from 'node:assert/strict';
import { test } from 'node:test';
import { executeProgram } from '../../../compute/reference/execute.js';
import { concatBytes, toHex } from '../../../protocol/bytes.js';
import { openProgram } from '../../../protocol/graph/check.js';
import { encodeGraph, GraphType, programHash } from '../../../protocol/graph/encode.js';
import { OPERATOR_NAMES, type OperatorName } from '../../../protocol/graph/operators.js';
import { proveProgram, proveRanges } from '../../../protocol/graph/prove.js';
import { tensorToBytes } from '../../../protocol/graph/tensor-data.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { naiveRoot, naiveSerialize } from '../../support/naive-ssz.js';
import { createPrng } from '../../support/prng.js';
import { randomCase } from '../../support/tensor/cases.js';
import { assertVector } from '../../support/vectors.js';

const CASES = 40;

/** Of one operator: SHA-256 of the program hashes of its first cases, and of what those compute. */
function answersOf(op: OperatorName): { programs: string; outputs: string } {
  const programs: Uint8Array[] = [];
  const outputs: Uint8Array[] = [];
  for (let seed = 0; seed < CASES; seed++) {
    const sample = randomCase(op, createPrng(seed));
    const program = openProgram(sample.graph);
    programs.push(program.hash);
    if (proveRanges(program, sample.constants).faults.length > 0) continue;
    outputs.push(...executeProgram(proveProgram(program, sample.weights), sample.inputs).map(tensorToBytes));
  }
  return {
    programs: toHex(sha256(concatBytes(...programs))),
    outputs: toHex(sha256(concatBytes(...outputs))),
  };
}

test('programs and results are what they were: changing the machine is an explicit act', () => {
  assertVector('tensor-machine.json', Object.fromEntries(OPERATOR_NAMES.map((op) => [op, answersOf(op)])));
});

test('an independent implementation of SSZ agrees on encodings and program hashes', () => {
  for (const op of OPERATOR_NAMES) {
    const { graph } = randomCase(op, createPrng(7));
    const bytes = encodeGraph(graph);
    const value = GraphType.deserialize(bytes);
    assert.equal(toHex(bytes), toHex(naiveSerialize(GraphType, value)), op);
    assert.equal(toHex(programHash(graph)), toHex(naiveRoot(GraphType, value)), op);
  }
});
