/** What has been opened, to be closed in the opposite order, once, whatever fails on the way. */
export class Closers {
  readonly #open: { readonly name: string; readonly close: () => Promise<void> | void }[] = [];
  #closing: Promise<void> | undefined;

  add(name: string, close: () => Promise<void> | void): void {
    this.#open.push({ name, close });
  }

  /** @param onError told of each that failed to close; the others are closed all the same */
  closeAll(onError: (name: string, error: unknown) => void): Promise<void> {
    return (this.#closing ??= this.#close(onError));
  }

  async #close(onError: (name: string, error: unknown) => void): Promise<void> {
    for (let last = this.#open.pop(); last !== undefined; last = this.#open.pop()) {
      try {
        await last.close();
      } catch (error) {
        onError(last.name, error);
      }
    }
  }
}
