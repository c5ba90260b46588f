import { z } from 'zod';
import { CATALOGUE } from './errors/catalogue.js';
import type { RpcErrorCode } from './errors/rpc-error.js';
import { METHODS } from './methods/index.js';
import type { RpcMethod } from './method.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface OpenRpcMethod {
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paramStructure: 'either';
  readonly params: readonly {
    readonly name: string;
    readonly description: string;
    readonly required: boolean;
    readonly schema: JsonSchema;
  }[];
  readonly result: { readonly name: string; readonly description: string; readonly schema: JsonSchema };
  readonly errors?: readonly { readonly code: number; readonly message: string; readonly data: string }[];
}

export interface OpenRpcDocument {
  readonly openrpc: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly methods: readonly OpenRpcMethod[];
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/** What `rpc.discover` serves: made from the schemas that check what is received. @param version of the software */
export function openRpcDocument(version: string): OpenRpcDocument {
  const schemas: Record<string, JsonSchema> = {};
  const methods = METHODS.map((method) => describe(method, schemas));
  return {
    openrpc: '1.3.2',
    info: {
      title: 'oGPU chain node',
      version,
      description:
        'JSON-RPC of a node: Ethereum’s methods with Ethereum’s shapes, and ogpu_* for everything else. latest, safe and finalized are the same block.',
      license: { name: 'Apache-2.0' },
    },
    methods,
    components: { schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))) },
  };
}

function describe(method: RpcMethod, schemas: Record<string, JsonSchema>): OpenRpcMethod {
  const { name, summary, description, parameters, result, errors } = method;
  return {
    name,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [{ name: namespaceOf(name) }],
    paramStructure: 'either',
    params: parameters.map((parameter) => ({
      name: parameter.name,
      description: parameter.description,
      required: !parameter.schema.safeParse(undefined).success,
      schema: schemaOf(parameter.schema, schemas),
    })),
    result: { name: 'result', description: result.description, schema: schemaOf(result.schema, schemas) },
    ...(errors.length === 0 ? {} : { errors: errors.map(errorOf) }),
  };
}

export function namespaceOf(name: string): string {
  return name.split(/[._]/)[0] ?? name;
}

function errorOf(code: string): { code: number; message: string; data: string } {
  const entry = code in CATALOGUE ? CATALOGUE[code as RpcErrorCode] : undefined;
  return { code: entry?.rpcCode ?? -32003, message: entry?.meaning ?? 'see docs/mempool.md', data: code };
}

/** As it is sent: before it is read into bytes and numbers. Named schemas go to `schemas`. */
function schemaOf(schema: z.ZodType, schemas: Record<string, JsonSchema>): JsonSchema {
  const {
    $schema: _,
    $defs,
    ...rest
  } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' }) as JsonSchema & {
    readonly $defs?: unknown;
  };
  const named = (rest['definitions'] ?? $defs ?? {}) as Record<string, JsonSchema>;
  const { definitions: __, ...own } = rest as JsonSchema & { readonly definitions?: unknown };
  for (const [name, definition] of Object.entries(named)) schemas[name] ??= pointed(definition);
  const id = own['id'];
  if (typeof id !== 'string') return pointed(own);
  schemas[id] ??= pointed(own);
  return { $ref: `#/components/schemas/${id}` };
}

/** References within the document of one schema as references within the whole; ids are names already. */
function pointed(value: JsonSchema): JsonSchema {
  return JSON.parse(
    JSON.stringify(value, (key, part: unknown) => {
      if (key === 'id' && typeof part === 'string') return undefined;
      return key === '$ref' && typeof part === 'string'
        ? part.replace(/^#\/(?:\$defs|definitions)\//, '#/components/schemas/')
        : part;
    }),
  ) as JsonSchema;
}
