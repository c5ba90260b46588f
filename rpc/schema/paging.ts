import { z } from 'zod';

/** Rows of one answer. */
export const MAX_ROWS = 256;
const DEFAULT_ROWS = 64;

/** For lists that go on: where to go on, and how much at a time. */
export const Page = z
  .strictObject({
    cursor: z
      .string()
      .max(256)
      .optional()
      .describe('next of the answer before; from the first on unless given.'),
    limit: z.int().min(1).max(MAX_ROWS).optional().default(DEFAULT_ROWS).describe('Rows at most.'),
  })
  .meta({ id: 'Page', description: 'A part of a list.' });

export const NextCursor = z
  .string()
  .nullable()
  .describe('cursor of the page after this one; null where this is the last.');
