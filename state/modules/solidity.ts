import type { AbiItem, AbiParameter } from '../../protocol/abi/types.js';
import { toChecksumAddress } from '../../protocol/address.js';
import { interfaceOf, solidityName } from './interface.js';
import type { Module } from './module.js';
import { parametersOf, structName, tuplesIn } from './structs.js';

const MAX_LINE_LENGTH = 120;
const INDENT = '    ';

/** The module as a Solidity interface with NatSpec: the text of `interfaces/IName.sol`. */
export function solidityInterface(module: Module): string {
  const { name, address, functions, events, errors } = module;
  const described = [...functions, ...events, ...errors];
  const members = [
    ...structsOf(interfaceOf(module)).map(structLines),
    ...described.map(({ item, notice }) => [`/// @notice ${notice}`, ...declarationLines(item)]),
  ];
  return [
    '// SPDX-License-Identifier: Apache-2.0',
    'pragma solidity ^0.8.4;',
    '',
    `address constant ${constantName(name)}_ADDRESS = ${toChecksumAddress(address)};`,
    '',
    `/// @title The protocol module ${name} of oGPU`,
    `interface ${solidityName(name)} {`,
    members.map((lines) => lines.map((line) => `${INDENT}${line}\n`).join('')).join('\n') + '}',
    '',
  ].join('\n');
}

/** Structs of all parameters, each once, those they consist of before them. */
function structsOf(items: readonly AbiItem[]): AbiParameter[] {
  const tuples = items.flatMap((item) => tuplesIn(parametersOf(item)));
  const byName = new Map(tuples.map((tuple) => [structName(tuple), tuple]));
  return [...byName.values()];
}

function structLines(tuple: AbiParameter): string[] {
  const members = (tuple.components ?? []).map((member) => `${INDENT}${typeName(member)} ${member.name};`);
  return [`struct ${structName(tuple)} {`, ...members, '}'];
}

function declarationLines(item: AbiItem): string[] {
  switch (item.type) {
    case 'error':
      return wrapped(`error ${item.name}`, item.inputs.map(logged), '');
    case 'event':
      return wrapped(`event ${item.name}`, item.inputs.map(logged), '');
    case 'function': {
      const results = item.outputs.map((output) => located(output, 'memory'));
      const mutability = item.stateMutability === 'nonpayable' ? '' : ` ${item.stateMutability}`;
      const returns = results.length === 0 ? '' : ` returns (${results.join(', ')})`;
      const parameters = item.inputs.map((input) => located(input, 'calldata'));
      return wrapped(`function ${item.name}`, parameters, ` external${mutability}${returns}`);
    }
  }
}

/** One line, or one for each parameter where that would be too long. */
function wrapped(head: string, parameters: readonly string[], tail: string): string[] {
  const line = `${head}(${parameters.join(', ')})${tail};`;
  if (parameters.length === 0 || INDENT.length + line.length <= MAX_LINE_LENGTH) return [line];
  const separated = parameters.map((parameter, i) =>
    i < parameters.length - 1 ? `${parameter},` : parameter,
  );
  return [`${head}(`, ...separated.map((parameter) => `${INDENT}${parameter}`), `)${tail};`];
}

function logged(parameter: AbiParameter): string {
  return `${typeName(parameter)}${parameter.indexed === true ? ' indexed' : ''} ${parameter.name}`;
}

function located(parameter: AbiParameter, location: 'calldata' | 'memory'): string {
  const isReference = /^(?:bytes|string|tuple)$|\]$/.test(parameter.type);
  return `${typeName(parameter)}${isReference ? ` ${location}` : ''} ${parameter.name}`;
}

function typeName(parameter: AbiParameter): string {
  if (parameter.components === undefined) return parameter.type;
  return `${structName(parameter)}${parameter.type.slice('tuple'.length)}`;
}

/** `someName` as `SOME_NAME`. */
function constantName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
