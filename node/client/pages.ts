/** Lists are read to their end, but not without one. */
const MAX_ITEMS = 100_000;

/** All items of a list that a node gives page by page; no further page is asked for when there are `maxItems`. */
export async function allPages<Item>(
  read: (page: {
    readonly cursor?: string;
    readonly limit: number;
  }) => Promise<{ readonly items: readonly Item[]; readonly next: string | null }>,
  maxItems = MAX_ITEMS,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await read({ ...(cursor === undefined ? {} : { cursor }), limit: PAGE_ITEMS });
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && items.length < maxItems);
  return items;
}

const PAGE_ITEMS = 256;
