import { InvalidArgumentError } from 'commander';

/** An option that holds a comma-separated list and can be repeated; each item is checked. */
export function listOf(
  check: (item: string) => unknown,
): (text: string, before: readonly string[]) => string[] {
  return (text, before) => {
    const items = text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
    for (const item of items) {
      try {
        check(item);
      } catch (error) {
        throw new InvalidArgumentError(`${item}: ${error instanceof Error ? error.message : String(error)}.`);
      }
    }
    return [...before, ...items];
  };
}
