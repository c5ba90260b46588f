/** A module that is only worth having in Node.js, or why it is not here. */
export type Loaded<Module> =
  { readonly ok: true; readonly module: Module } | { readonly ok: false; readonly reason: string };

/**
 * Loads a native or WebAssembly module when the runtime is Node.js.
 *
 * `require` is reached through `process`, so a bundler for the browser sees no import to follow and ships only the
 * portable code. The caller states the module's shape: nothing here can check it.
 */
export function loadNative<Module>(specifier: string): Loaded<Module> {
  if (typeof process === 'undefined' || typeof process.getBuiltinModule !== 'function') {
    return { ok: false, reason: 'not running in Node.js' };
  }
  try {
    const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);
    return { ok: true, module: require(specifier) as Module };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
