import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { rpcDocument } from '../../../rpc/document.js';
import { CATALOGUE } from '../../../rpc/errors/catalogue.js';
import { METHODS } from '../../../rpc/methods/index.js';
import { openRpcDocument, type JsonSchema } from '../../../rpc/openrpc.js';
import { REPOSITORY_ROOT } from '../../support/vectors.js';

const document = openRpcDocument('0.0.0');

function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) =>
    key === '$ref' && typeof part === 'string' ? [part] : referencesIn(part),
  );
}

describe('the interface and its documents', () => {
  test('docs/rpc.md is what the schemas say; changing it is an explicit act', () => {
    const path = join(REPOSITORY_ROOT, 'docs', 'rpc.md');
    const text = `${rpcDocument()}\n`;
    if (process.env['OGPU_UPDATE_FIXTURES'] === '1') writeFileSync(path, text);
    assert.equal(readFileSync(path, 'utf8'), text, 'OGPU_UPDATE_FIXTURES=1 writes the file anew');
  });

  test('every method is in the OpenRPC document, and every reference leads somewhere', () => {
    assert.deepEqual(
      document.methods.map(({ name }) => name),
      METHODS.map(({ name }) => name),
    );
    const known = new Set(
      Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`),
    );
    for (const reference of referencesIn(document)) assert.ok(known.has(reference), reference);
  });

  test('optional parameters come last, and every field of a named result has a type', () => {
    for (const { name, params } of document.methods) {
      const firstOptional = params.findIndex(({ required }) => !required);
      if (firstOptional >= 0)
        assert.ok(
          params.slice(firstOptional).every(({ required }) => !required),
          name,
        );
    }
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
      for (const [field, part] of Object.entries(properties))
        assert.ok(
          ['$ref', 'type', 'anyOf', 'allOf', 'enum', 'const'].some((key) => key in part),
          `${name}.${field}`,
        );
    }
  });

  test('every code a method names is in the catalogue, or one of another room', () => {
    for (const { name, errors } of METHODS)
      for (const code of errors)
        assert.ok(code in CATALOGUE || /^(TX|MEMPOOL|PAST_STATE)_/.test(code), `${name}: ${code}`);
  });
});
