import { openGlesChoice, swiftShaderChoice, type AdapterChoice } from '../../compute/gpu/adapter-choice.js';

/** Two devices of software that share no code. On a machine for tests both must be there. */
export const SOFTWARE_ADAPTERS: readonly (readonly [string, AdapterChoice | undefined])[] = [
  ['Mesa’s OpenGL ES', openGlesChoice()],
  ['SwiftShader', swiftShaderChoice()],
];

/** Why tests of an adapter are skipped, or false: where tests must be whole they are not. */
export function skipWithout(choice: AdapterChoice | undefined): string | false {
  return choice === undefined && process.env['CI'] === undefined ? 'not on this machine' : false;
}
