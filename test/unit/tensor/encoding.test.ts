import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { checkGraph } from '../../../protocol/graph/check.js';
import { decodeGraph, encodeGraph, programHash } from '../../../protocol/graph/encode.js';
import { GraphError } from '../../../protocol/graph/faults.js';
import type { Graph } from '../../../protocol/graph/graph.js';
import { OPERATOR_NAMES, OPERATORS } from '../../../protocol/graph/operators.js';
import { SszError } from '../../../protocol/ssz/types.js';
import { createPrng } from '../../support/prng.js';
import { randomCase } from '../../support/tensor/cases.js';

describe('the encoding of graphs', () => {
  for (const op of OPERATOR_NAMES) {
    test(`${op}: what is decoded is what was encoded`, () => {
      for (let seed = 0; seed < 30; seed++) {
        const { graph } = randomCase(op, createPrng(seed));
        const bytes = encodeGraph(graph);
        assert.deepEqual(decodeGraph(bytes), graph);
        assert.deepEqual(encodeGraph(decodeGraph(bytes)), bytes);
        assert.deepEqual(programHash(decodeGraph(bytes)), programHash(graph));
      }
    });
  }

  test('codes of operators are their own', () => {
    const codes = OPERATOR_NAMES.map((name) => OPERATORS[name].code);
    assert.deepEqual(codes, [...new Set(codes)]);
    assert.deepEqual([Math.min(...codes), Math.max(...codes)], [1, 28]);
  });

  test('every part of a graph is in its hash', () => {
    const { graph } = randomCase('conv2d', createPrng(1));
    const [input, ...inputs] = graph.inputs;
    const [node] = graph.nodes;
    assert.ok(input !== undefined && node?.op === 'conv2d');
    const changed: readonly Graph[] = [
      { ...graph, version: 2 },
      { ...graph, weightsHash: new Uint8Array(32) },
      { ...graph, inputs: [{ ...input, role: 'state' }, ...inputs] },
      { ...graph, inputs: [{ ...input, min: input.min + 1 }, ...inputs] },
      {
        ...graph,
        nodes: [{ ...node, attributes: { ...node.attributes, zeroX: node.attributes.zeroX + 1 } }],
      },
      { ...graph, outputs: [...graph.outputs, 0] },
    ];
    const hashes = new Set([graph, ...changed].map((one) => toHex(programHash(one))));
    assert.equal(hashes.size, 1 + changed.length);
  });

  test('bytes that mean nothing are refused with every fault', () => {
    const { graph } = randomCase('clamp', createPrng(2));
    const bytes = encodeGraph(graph);
    const node = bytes.length - 2 - 19;
    assert.equal(bytes[node], OPERATORS.clamp.code);
    const refused = (changed: Uint8Array): unknown => {
      try {
        return decodeGraph(changed);
      } catch (error) {
        if (error instanceof GraphError) return error.faults.map(({ code, path }) => `${path} ${code}`);
        throw error;
      }
    };
    assert.deepEqual(refused(bytes.with(node, 99)), ['nodes[0] OPERATOR_UNKNOWN']);
    assert.deepEqual(refused(bytes.with(node, OPERATORS.conv2d.code)), [
      'nodes[0] OPERAND_COUNT',
      'nodes[0] ATTRIBUTE_COUNT',
    ]);
    assert.throws(() => decodeGraph(bytes.subarray(1)), SszError);
    assert.throws(() => decodeGraph(new Uint8Array(65_537)), SszError);
    assert.deepEqual(checkGraph(decodeGraph(bytes)).faults, []);
  });
});
