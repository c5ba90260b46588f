interface Lane<Item> {
  readonly items: Item[];
  readonly names: Set<string>;
}

export interface Taken<Item> {
  readonly peer: string;
  readonly item: Item;
}

/**
 * What peers have sent, served in turns, one item of each peer after another. Bounded for each peer and as a whole; when the whole is
 * full, room is made at the cost of the peer that takes most. So a flooder delays and displaces nobody but itself.
 */
export class FairQueue<Item extends { readonly name: string }> {
  readonly #maxItems: number;
  readonly #maxItemsPerPeer: number;
  /** In the order of turns; none is empty. */
  readonly #lanes = new Map<string, Lane<Item>>();
  #size = 0;

  constructor(bounds: { readonly maxItems: number; readonly maxItemsPerPeer: number }) {
    this.#maxItems = bounds.maxItems;
    this.#maxItemsPerPeer = bounds.maxItemsPerPeer;
  }

  get size(): number {
    return this.#size;
  }

  /** `duplicate` when one of this name from this peer waits already; `full` when there is no room for it. */
  push(peer: string, item: Item): 'queued' | 'duplicate' | 'full' {
    const lane = this.#lanes.get(peer) ?? { items: [], names: new Set<string>() };
    if (lane.names.has(item.name)) return 'duplicate';
    if (lane.items.length >= this.#maxItemsPerPeer) return 'full';
    if (this.#size >= this.#maxItems && !this.#makeRoom(lane.items.length + 1)) return 'full';
    this.#lanes.set(peer, lane);
    lane.items.push(item);
    lane.names.add(item.name);
    this.#size++;
    return 'queued';
  }

  /** The next items by turns, at most `most`, and at most `mostPerPeer` of each peer. */
  take(most: number, mostPerPeer: number): Taken<Item>[] {
    const taken: Taken<Item>[] = [];
    const counts = new Map<string, number>();
    for (let progress = true; progress && taken.length < most;) {
      progress = false;
      for (const peer of [...this.#lanes.keys()]) {
        const count = counts.get(peer) ?? 0;
        if (taken.length >= most || count >= mostPerPeer) continue;
        const item = this.#takeFrom(peer);
        counts.set(peer, count + 1);
        if (item !== undefined) taken.push({ peer, item });
        progress = true;
      }
    }
    return taken;
  }

  removePeer(peer: string): void {
    this.#size -= this.#lanes.get(peer)?.items.length ?? 0;
    this.#lanes.delete(peer);
  }

  removeWhere(isUnwanted: (item: Item) => boolean): void {
    for (const [peer, { items }] of [...this.#lanes]) {
      this.removePeer(peer);
      for (const item of items.filter((candidate) => !isUnwanted(candidate))) this.push(peer, item);
    }
  }

  /** The peer's oldest item; the peer goes to the end of the turn. */
  #takeFrom(peer: string): Item | undefined {
    const lane = this.#lanes.get(peer);
    const item = lane?.items.shift();
    if (lane === undefined || item === undefined) return undefined;
    lane.names.delete(item.name);
    this.#size--;
    this.#lanes.delete(peer);
    if (lane.items.length > 0) this.#lanes.set(peer, lane);
    return item;
  }

  /** Drops the newest item of the longest lane, if it is longer than `length`. */
  #makeRoom(length: number): boolean {
    let longest: readonly [string, Lane<Item>] | undefined;
    for (const entry of this.#lanes) {
      if (entry[1].items.length > (longest?.[1].items.length ?? length)) longest = entry;
    }
    const dropped = longest?.[1].items.pop();
    if (longest === undefined || dropped === undefined) return false;
    longest[1].names.delete(dropped.name);
    this.#size--;
    return true;
  }
}
