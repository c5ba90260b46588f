import type { AbiItem } from '../../protocol/abi/types.js';
import { toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { interfaceOf, solidityName, type ModuleInterface } from './interface.js';
import { parametersOf, structName, tuplesIn } from './structs.js';

const IDENTIFIER = /^[a-zA-Z][a-zA-Z0-9]{0,63}$/;

/** One line of at most 200 characters that NatSpec takes for nothing but a sentence. */
const NOTICE = /^(?!.*(?:\*\/|@))[\x20-\x7e]{1,199}\.$/;

/** Solidity's own errors, and what it reserves. */
const RESERVED_ERROR_SELECTORS = ['0x08c379a0', '0x4e487b71', '0x00000000', '0xffffffff'];

/** Asserts that clients can tell everything in an interface apart, and that it can be written down in Solidity. */
export function assertInterface(definition: ModuleInterface): void {
  invariant(/^[a-z][a-zA-Z0-9]{0,63}$/.test(definition.name), `module name ${definition.name}`);
  const items = interfaceOf(definition);
  assertNames('its interface', items);
  items.forEach((item) => assertParameters(solidityName(definition.name), item));
  for (const { item, notice } of [...definition.functions, ...definition.events, ...definition.errors]) {
    invariant(NOTICE.test(notice), `${item.name} has a notice: one line of ASCII that ends with a full stop`);
  }
  const selectors = [
    ...RESERVED_ERROR_SELECTORS,
    ...definition.errors.map(({ selector }) => toHex(selector)),
  ];
  invariant(new Set(selectors).size === selectors.length, 'no two errors share a selector');
  assertStructs(items);
}

/** Parameters of each list by their own names, so that libraries can give values as objects. */
function assertParameters(interfaceName: string, item: AbiItem): void {
  const lists = item.type === 'function' ? [item.inputs, item.outputs] : [item.inputs];
  for (const list of lists) assertNames(item.name, list);
  for (const tuple of lists.flatMap(tuplesIn)) {
    const struct = structName(tuple);
    const expected = `struct ${interfaceName}.${struct}${tuple.type.slice('tuple'.length)}`;
    invariant(tuple.internalType === expected, `a tuple of ${item.name} is a struct like ${expected}`);
    invariant(IDENTIFIER.test(struct), `struct '${struct}' of ${item.name}`);
    assertNames(struct, tuple.components ?? []);
  }
}

/** A struct has one definition, and no name of something else. */
function assertStructs(items: readonly AbiItem[]): void {
  const definitions = new Map<string, string>(items.map(({ name }) => [name, '']));
  for (const tuple of items.flatMap((item) => tuplesIn(parametersOf(item)))) {
    const name = structName(tuple);
    const definition = JSON.stringify(tuple.components);
    invariant((definitions.get(name) ?? definition) === definition, `struct ${name} has one definition`);
    definitions.set(name, definition);
  }
}

function assertNames(where: string, named: readonly { readonly name: string }[]): void {
  const names = named.map(({ name }) => name);
  invariant(new Set(names).size === names.length, `names in ${where} are unique`);
  for (const name of names) invariant(IDENTIFIER.test(name), `name '${name}' in ${where}`);
}
