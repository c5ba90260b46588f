/** Bytes of the name that somebody gives itself on the chain. */
export const MAX_NAME_BYTES = 64;

/** Printable ASCII, no space at either end. */
const NAME = new RegExp(`^[\\x21-\\x7e](?:[\\x20-\\x7e]{0,${MAX_NAME_BYTES - 2}}[\\x21-\\x7e])?$`);

export function isName(text: string): boolean {
  return NAME.test(text);
}

/** Of text that is ASCII. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function asciiText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
