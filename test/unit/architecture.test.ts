import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import ts from 'typescript';
import { REPOSITORY_ROOT } from '../support/vectors.js';

/** Rooms of the house, and which other rooms each may import. `node/` wires everything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  genesis: ['protocol'],
  consensus: ['protocol'],
  state: ['protocol', 'consensus/verification'],
  compute: ['protocol', 'consensus/disk', 'consensus/verification'],
  p2p: ['protocol', 'consensus'],
  rpc: ['protocol', 'consensus', 'state'],
  interfaces: [],
  client: ['protocol', 'consensus', 'state', 'interfaces', 'rpc'],
  node: ['protocol', 'genesis', 'consensus', 'state', 'compute', 'p2p', 'rpc'],
};

/** Rooms that must run the same everywhere: production, simulator, browser. */
const PURE_ROOMS = ['protocol', 'consensus', 'state'];

/** Packages a pure room may use: none of them does I/O, reads a clock or draws randomness when used as we do. */
const PURE_PACKAGES =
  /^(@noble\/(curves|hashes)\/|@chainsafe\/(ssz|persistent-merkle-tree|blst|hashtree)(\/|$)|hash-wasm$|secp256k1\/)/;

/** Native and hashing modules of Node, needed where the fast cryptography is loaded and nowhere else. */
const NODE_MODULES_IN_CRYPTO = new Set(['node:crypto', 'node:module']);

const BANNED_NAMES = new Set([
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'WebSocket',
  'localStorage',
  'parseFloat',
  'console',
  'Buffer',
  'crypto',
  'Worker',
  'eval',
  'Function',
]);

const BANNED_MEMBERS = new Set([
  'Math.random',
  'process.hrtime',
  'process.env',
  'process.cwd',
  'process.nextTick',
  'globalThis.crypto',
]);

/** Whoever handles money in fractions loses some: these have no place next to amounts. */
const FLOAT_MATH = new Set([
  'sqrt',
  'pow',
  'exp',
  'log',
  'log2',
  'log10',
  'sin',
  'cos',
  'tan',
  'cbrt',
  'hypot',
  'fround',
  'random',
]);

interface Source {
  readonly path: string;
  readonly room: string;
  readonly file: ts.SourceFile;
}

const paths = Object.keys(MAY_IMPORT).flatMap((room) =>
  readdirSync(join(REPOSITORY_ROOT, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => ({ room, path: join(room, name) })),
);
const program = createProgram(paths.map(({ path }) => join(REPOSITORY_ROOT, path)));
const checker = program.getTypeChecker();
const sources: readonly Source[] = paths.map(({ room, path }) => {
  const file = program.getSourceFile(join(REPOSITORY_ROOT, path));
  assert.ok(file, path);
  return { room, path, file };
});

function createProgram(files: readonly string[]): ts.Program {
  const config: unknown = ts.readConfigFile(join(REPOSITORY_ROOT, 'tsconfig.json'), (path) =>
    readFileSync(path, 'utf8'),
  ).config;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, REPOSITORY_ROOT);
  return ts.createProgram([...files], { ...options, noEmit: true, incremental: false });
}

function importsOf(source: Source): string[] {
  const found: string[] = [];
  walk(source.file, (node) => {
    const declared = (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier;
    if (declared && ts.isStringLiteral(declared)) found.push(declared.text);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      found.push(argument && ts.isStringLiteralLike(argument) ? argument.text : '<computed>');
    }
  });
  return found;
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => {
    walk(child, visit);
  });
}

/** Faults of one pure file: what it names that would make it differ from run to run or reach outside. */
function impurities(source: Source): string[] {
  const faults: string[] = [];
  const inCrypto = source.path.startsWith(join('protocol', 'crypto'));
  for (const specifier of importsOf(source)) {
    if (specifier.startsWith('.') || PURE_PACKAGES.test(specifier)) continue;
    if (inCrypto && NODE_MODULES_IN_CRYPTO.has(specifier)) continue;
    faults.push(`imports ${specifier}`);
  }
  walk(source.file, (node) => {
    if (ts.isIdentifier(node) && BANNED_NAMES.has(node.text) && isReference(node))
      faults.push(`uses ${node.text}`);
    if (ts.isPropertyAccessExpression(node)) {
      const text = node.getText(source.file);
      if (BANNED_MEMBERS.has(text)) faults.push(`uses ${text}`);
      if (text.startsWith('Math.') && FLOAT_MATH.has(node.name.text)) faults.push(`uses ${text}`);
    }
    if (ts.isNumericLiteral(node) && /[.]/.test(node.getText(source.file)))
      faults.push(`has the fraction ${node.text}`);
    if (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.SlashToken &&
      makesFraction(node)
    ) {
      faults.push(`may make a fraction: ${node.getText(source.file)}`);
    }
    if (
      ts.isCallExpression(node) &&
      node.expression.getText(source.file) === 'Number' &&
      mentionsAmount(node)
    ) {
      if (!ALLOWED_AMOUNT_CASTS.has(source.path))
        faults.push(`turns an amount into a float: ${node.getText(source.file)}`);
    }
    if (ts.isTypeReferenceNode(node) || ts.isPropertySignature(node) || ts.isParameter(node)) {
      const text = node.getText(source.file);
      if (/\w+Wei\??: number\b/.test(text)) faults.push(`declares an amount as a number: ${text}`);
    }
  });
  return faults;
}

/** Voting power is a whole number of µOGPU by construction. */
const ALLOWED_AMOUNT_CASTS = new Set([join('protocol', 'types', 'validators.ts')]);

/** A division of numbers is whole only inside `Math.floor`, `ceil` or `trunc`; one of bigints always is. */
function makesFraction(node: ts.BinaryExpression): boolean {
  if (isBigInt(node.left) && isBigInt(node.right)) return false;
  let outer: ts.Node = node.parent;
  while (ts.isParenthesizedExpression(outer)) outer = outer.parent;
  return !(ts.isCallExpression(outer) && /^Math\.(floor|ceil|trunc)$/.test(outer.expression.getText()));
}

function isBigInt(node: ts.Expression): boolean {
  return (checker.getTypeAtLocation(node).flags & ts.TypeFlags.BigIntLike) !== 0;
}

function mentionsAmount(node: ts.Node): boolean {
  let found = false;
  walk(node, (inner) => {
    if (ts.isIdentifier(inner) && /Wei$/.test(inner.text)) found = true;
  });
  return found;
}

/** An identifier that reads a value, not a property name, a declared name or part of a type. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  if (ts.isPropertyAssignment(parent) && parent.name === node) return false;
  if (ts.isTypeReferenceNode(parent) || ts.isImportSpecifier(parent) || ts.isPropertySignature(parent))
    return false;
  return !ts.isVariableDeclaration(parent) || parent.name !== node;
}

describe('imports point one way', () => {
  for (const source of sources) {
    const allowed = [source.room, ...(MAY_IMPORT[source.room] ?? [])];
    const outside = importsOf(source)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => relative(REPOSITORY_ROOT, join(REPOSITORY_ROOT, dirname(source.path), specifier)))
      .filter((target) => !allowed.some((room) => target.startsWith(`${room}/`)));
    if (outside.length > 0)
      test(source.path, () => {
        assert.deepEqual(outside, []);
      });
  }
  test(`${sources.length} files checked`, () => {
    assert.ok(sources.length > 20);
  });
});

describe('protocol, consensus and state are pure', () => {
  for (const source of sources.filter(({ room }) => PURE_ROOMS.includes(room))) {
    test(source.path, () => {
      assert.deepEqual(impurities(source), []);
    });
  }
});

describe('the purity check itself finds', () => {
  const cases: [string, string][] = [
    ['a clock', 'export const now = () => Date.now();'],
    ['randomness', 'export const r = () => Math.random();'],
    ['I/O', "import { readFileSync } from 'node:fs'; export const f = readFileSync;"],
    ['a dynamic import', "export const f = () => import('node:net');"],
    ['a timer', 'export const t = () => setTimeout(() => 1, 2);'],
    ['a fraction', 'export const share = 0.5;'],
    ['an amount as a float', 'export const f = (feeWei: bigint) => Number(feeWei);'],
    ['an amount declared as a number', 'export interface A { feeWei: number }'],
    ['a division', 'export const half = (n: number) => n / 2;'],
  ];
  for (const [what, text] of cases) {
    test(what, () => {
      const path = join('state', 'planted.ts');
      const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
      assert.notDeepEqual(impurities({ path, room: 'state', file }), []);
    });
  }
});
