import { z } from 'zod';

/** How a setting is written where there is only text: in the environment and on the command line. */
export type TextForm = 'text' | 'integer' | 'boolean' | 'list';

/** One thing an operator can set. */
export interface Setting<Value> {
  /** What it does, for the operator: sentences. */
  readonly about: string;
  /** What a value looks like, in words that follow "expected". */
  readonly expected: string;
  readonly schema: z.ZodType<Value>;
  /** As it would be written in the file; undefined where nothing is set. */
  readonly initial: unknown;
  readonly form: TextForm;
  /** A path of the file system: relative ones are resolved against the place they were written in. */
  readonly isPath: boolean;
  /** What to show in place of nothing. */
  readonly example?: string | number | readonly string[];
  /** Where the flag is not derived from the path. */
  readonly flag?: string;
}

/** What every setting has to say of itself. */
interface About<Value> {
  readonly about: string;
  readonly initial: Value;
  readonly flag?: string;
}

interface OptionalAbout {
  readonly about: string;
  readonly example?: string | number;
}

export function booleanSetting(about: About<boolean>): Setting<boolean> {
  return { ...about, expected: 'true or false', schema: z.boolean(), form: 'boolean', isPath: false };
}

export function integerSetting(min: number, max: number, about: About<number>): Setting<number> {
  return { ...about, ...integerShape(min, max) };
}

export function optionalInteger(min: number, max: number, about: OptionalAbout): Setting<number | undefined> {
  const { schema, ...shape } = integerShape(min, max);
  return { ...about, ...shape, schema: schema.optional(), initial: undefined };
}

export function portSetting(about: About<number>): Setting<number> {
  return integerSetting(0, 65_535, about);
}

export function choiceSetting<const Choice extends string>(
  choices: readonly [Choice, ...Choice[]],
  about: About<Choice>,
): Setting<Choice> {
  return {
    ...about,
    expected: `one of ${choices.join(', ')}`,
    schema: z.enum(choices),
    form: 'text',
    isPath: false,
  };
}

export function pathSetting(about: About<string>): Setting<string> {
  return { ...about, expected: 'a path', schema: PATH, form: 'text', isPath: true };
}

export function optionalPath(about: OptionalAbout): Setting<string | undefined> {
  const shape = { expected: 'a path', form: 'text', isPath: true, initial: undefined } as const;
  return { ...about, ...shape, schema: PATH.optional() };
}

/** A text that `parse` understands; it throws what is wrong with it. */
export function textSetting<Value>(
  expected: string,
  parse: (text: string) => Value,
  about: About<string>,
): Setting<Value> {
  return { ...about, expected, schema: parsedText(parse), form: 'text', isPath: false };
}

export function optionalText<Value>(
  expected: string,
  parse: (text: string) => Value,
  about: OptionalAbout,
): Setting<Value | undefined> {
  const shape = { expected, form: 'text', isPath: false, initial: undefined } as const;
  return { ...about, ...shape, schema: parsedText(parse).optional() };
}

export function listSetting<Item>(
  maxItems: number,
  expected: string,
  parse: (text: string) => Item,
  about: About<readonly string[]> & { readonly example?: readonly string[] },
): Setting<Item[]> {
  return {
    ...about,
    expected: `a list of at most ${maxItems}, each ${expected}`,
    schema: z.array(parsedText(parse)).max(maxItems),
    form: 'list',
    isPath: false,
  };
}

/** Bytes: a whole number, or one with a binary unit. */
export function bytesSetting(min: number, max: number, about: About<number | string>): Setting<number> {
  const expected = `bytes from ${formatBytes(min)} to ${formatBytes(max)}, as a whole number or as "16 MiB"`;
  const schema = z.union([z.number(), z.string().transform(parseBytes)]).refine(isWithin(min, max));
  return { ...about, expected, schema, form: 'text', isPath: false };
}

/** A value of its own kind, read by `schema` from text or number. */
export function specialSetting<Value>(
  expected: string,
  schema: z.ZodType<Value>,
  about: About<string | number>,
): Setting<Value> {
  return { ...about, expected, schema, form: 'text', isPath: false };
}

const PATH = z.string().min(1).max(4096);

function integerShape(
  min: number,
  max: number,
): Pick<Setting<number>, 'expected' | 'form' | 'isPath' | 'schema'> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    schema: z.number().refine(isWithin(min, max)),
    form: 'integer',
    isPath: false,
  };
}

function isWithin(min: number, max: number): (value: number) => boolean {
  return (value) => Number.isSafeInteger(value) && value >= min && value <= max;
}

function parsedText<Value>(parse: (text: string) => Value): z.ZodType<Value> {
  return z
    .string()
    .max(4096)
    .transform((text, context) => {
      try {
        return parse(text);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        context.issues.push({ code: 'custom', message, input: text });
        return z.NEVER;
      }
    });
}

const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** NaN for what is no number of bytes. */
export function parseBytes(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,15}) ?(KiB|MiB|GiB|)$/.exec(text) ?? [];
  return digits === '' ? NaN : Number(digits) * (UNITS[unit] ?? NaN);
}

export function formatBytes(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    const size = UNITS[unit] ?? 1;
    if (bytes >= size && bytes % size === 0) return `${bytes / size} ${unit}`;
  }
  return `${bytes}`;
}
