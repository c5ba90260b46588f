import type { z } from 'zod';
import type { Deadline } from './transport/deadline.js';
import type { Services } from './services.js';
import type { Session } from './transport/session.js';

/** One parameter of a method. */
export interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly schema: z.ZodType;
}

/** What a method gets to work with. */
export interface MethodContext {
  readonly services: Services;
  /** Who asks. */
  readonly session: Session;
  readonly deadline: Deadline;
}

/** A method of the interface: what it takes and gives, said once, from which checks and documents follow. */
export interface RpcMethod {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** What one would not expect: bounds, differences from Ethereum. */
  readonly description?: string;
  readonly parameters: readonly Parameter[];
  readonly result: { readonly description: string; readonly schema: z.ZodType };
  /** Heavy ones wait for a place of which there are few. */
  readonly isHeavy: boolean;
  /** Whatever it is given, it is not looked at: for what is not supported. */
  readonly takesAnything: boolean;
  /** Codes it may answer with beyond those every method has. */
  readonly errors: readonly string[];
  readonly call: (context: MethodContext, values: readonly unknown[]) => unknown;
  /** Of heavy ones: the answer where it is at hand, which is given without waiting for a place; undefined where it is not. */
  readonly known: ((context: MethodContext, values: readonly unknown[]) => unknown) | undefined;
}

type Values<Parameters extends readonly Parameter[]> = {
  readonly [Index in keyof Parameters]: z.output<Parameters[Index]['schema']>;
};

export interface MethodDefinition<Parameters extends readonly Parameter[]> extends Omit<
  RpcMethod,
  'parameters' | 'call' | 'known' | 'isHeavy' | 'takesAnything' | 'errors'
> {
  readonly parameters: Parameters;
  readonly isHeavy?: boolean;
  readonly takesAnything?: boolean;
  readonly errors?: readonly string[];
  /** @returns JSON, or a `RawJson`; a promise of either */
  readonly call: (context: MethodContext, ...values: Values<Parameters>) => unknown;
  readonly known?: (context: MethodContext, ...values: Values<Parameters>) => unknown;
}

export function defineMethod<const Parameters extends readonly Parameter[]>(
  definition: MethodDefinition<Parameters>,
): RpcMethod {
  const { call, known, isHeavy = false, takesAnything = false, errors = [], ...rest } = definition;
  return {
    ...rest,
    isHeavy,
    takesAnything,
    errors,
    call: (context, values) => call(context, ...(values as Values<Parameters>)),
    known: known && ((context, values) => known(context, ...(values as Values<Parameters>))),
  };
}

export function parameter<const Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  description: string,
): { readonly name: string; readonly schema: Schema; readonly description: string } {
  return { name, schema, description };
}

/** A result that is JSON text already. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
