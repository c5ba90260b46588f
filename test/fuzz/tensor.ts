import assert from 'node:assert/strict';
import { checkGraph, openProgram } from '../../protocol/graph/check.js';
import { decodeGraph, encodeGraph } from '../../protocol/graph/encode.js';
import { GraphError } from '../../protocol/graph/faults.js';
import { OPERATOR_NAMES } from '../../protocol/graph/operators.js';
import { proveRanges } from '../../protocol/graph/prove.js';
import {
  decodeSegmentation,
  encodeSegmentation,
  planJob,
  SegmentationError,
} from '../../protocol/graph/segmentation.js';
import { SszError } from '../../protocol/ssz/types.js';
import { randomCase } from '../support/tensor/cases.js';
import { mutate, type FuzzTarget } from './target.js';

/** Graphs and segmentations from anybody: refused with a typed error, or the one value of their bytes, checked without a crash. */
export const tensorTargets: readonly FuzzTarget[] = [
  {
    name: 'tensor/graph',
    attack: (prng) => {
      const bytes = mutate(prng, encodeGraph(randomCase(prng.pick(OPERATOR_NAMES), prng).graph));
      let graph;
      try {
        graph = decodeGraph(bytes);
      } catch (error) {
        assert.ok(
          error instanceof SszError || error instanceof GraphError,
          `untyped error: ${String(error)}`,
        );
        return;
      }
      assert.deepEqual(encodeGraph(graph), bytes, 'accepted bytes are not the encoding of what was decoded');
      if (checkGraph(graph).faults.length === 0) proveRanges(openProgram(graph));
    },
  },
  {
    name: 'tensor/segmentation',
    attack: (prng) => {
      const words = (): number => prng.pick([0, 1, 3, prng.below(100), prng.u32()]);
      const sample = prng.pick([
        { kind: 'rows', count: words() },
        { kind: 'windows', length: words(), hop: words() },
        { kind: 'tiles', height: words(), width: words(), margin: words() },
        { kind: 'steps', count: words() },
      ] as const);
      const bytes = prng.chance(1, 2) ? encodeSegmentation(sample) : mutate(prng, encodeSegmentation(sample));
      const program = openProgram(randomCase('maxPool', prng).graph);
      try {
        const segmentation = decodeSegmentation(bytes);
        assert.deepEqual(encodeSegmentation(segmentation), bytes);
        planJob(program, segmentation);
      } catch (error) {
        if (!(error instanceof SszError || error instanceof SegmentationError)) throw error;
      }
    },
  },
];
