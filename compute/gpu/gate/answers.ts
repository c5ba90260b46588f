import { joinBytes, toHex } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { tensorToBytes, type TensorData } from '../../../protocol/graph/tensor-data.js';
import type { Question } from './material.js';

/** SHA-256 of what was answered, by the name of the question. */
export type Answers = Readonly<Record<string, string>>;

export async function answer(
  questions: readonly Question[],
  execute: (question: Question) => Promise<readonly TensorData[]> | readonly TensorData[],
): Promise<Answers> {
  const answers: Record<string, string> = {};
  for (const question of questions) {
    const outputs = await execute(question);
    answers[question.name] = toHex(sha256(joinBytes(outputs.map(tensorToBytes))));
  }
  return answers;
}

/** One hash of all answers, in the order of the questions. */
export function hashOfAnswers(answers: Answers): string {
  return toHex(sha256(new TextEncoder().encode(JSON.stringify(Object.entries(answers)))));
}
