import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AdapterChoice } from '../../../../compute/gpu/adapter-choice.js';
import { answer, hashOfAnswers } from '../../../../compute/gpu/gate/answers.js';
import { GATE_HASH, gateDevice, referenceAnswers } from '../../../../compute/gpu/gate/gate.js';
import { gateQuestions } from '../../../../compute/gpu/gate/questions.js';
import { executeProgram } from '../../../../compute/reference/execute.js';
import { OPERATOR_NAMES } from '../../../../protocol/graph/operators.js';
import { DATA_TYPES } from '../../../../protocol/graph/tensors.js';
import { skipWithout, SOFTWARE_ADAPTERS } from '../../../support/software-adapters.js';

describe('the questions of the gate', () => {
  test('have the answers that devices are held to: changing one is an explicit act', async () => {
    assert.equal(hashOfAnswers(await referenceAnswers()), GATE_HASH);
  });

  test('are about every operator and every type of element', () => {
    const questions = gateQuestions();
    const operators = new Set(questions.flatMap(({ program }) => program.graph.nodes.map(({ op }) => op)));
    assert.deepEqual([...operators].sort(), [...OPERATOR_NAMES].sort());
    const types = new Set(questions.flatMap(({ program }) => program.tensors.map(({ type }) => type)));
    assert.deepEqual([...types].sort(), [...DATA_TYPES].sort());
  });

  test('tell a device that is off by one in one element', async () => {
    const answers = await answer(gateQuestions(), ({ name, program, inputs }) => {
      const outputs = executeProgram(program, inputs);
      const last = outputs.at(-1);
      if (name === 'rows' && last !== undefined) last[0] = (last[0] ?? 0) ^ 1;
      return outputs;
    });
    const right = await referenceAnswers();
    assert.deepEqual(
      Object.keys(right).filter((name) => right[name] !== answers[name]),
      ['rows'],
    );
    assert.notEqual(hashOfAnswers(answers), GATE_HASH);
  });
});

describe('the gate', () => {
  for (const [name, choice] of SOFTWARE_ADAPTERS)
    test(`opens to ${name}`, { skip: skipWithout(choice) }, async () => {
      assert.ok(choice);
      const { ok, hash, wrong, outcome, description } = await gateDevice(choice);
      assert.deepEqual(
        { ok, hash, wrong },
        { ok: true, hash: GATE_HASH, wrong: [] },
        JSON.stringify(outcome),
      );
      assert.equal(description?.isSoftware, true);
    });

  test('stays shut to what is no device', async () => {
    const choice = { backend: 'null', environment: {} } as unknown as AdapterChoice;
    const { ok, hash, outcome } = await gateDevice(choice);
    assert.deepEqual({ ok, hash }, { ok: false, hash: undefined });
    assert.ok(outcome.kind === 'failed' && outcome.code === 'GPU_BACKEND_REFUSED');
  });
});
