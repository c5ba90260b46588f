// Joins what was compiled, and the libraries, into few files: most of a node's start went into finding and opening a thousand modules.
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Flat, so that what these entries find by `import.meta.url` lies in `dist/bundle` as it does in `dist/node`, at the same depth of the package.
 * Commands that load others when they are asked for still do.
 */
const ENTRIES = {
  'bundle/main': 'dist/node/main.js',
  'bundle/worker': 'dist/node/signatures/worker.js',
};

/** Machine code is found by where its package lies. */
const OUTSIDE = ['@chainsafe/blst', '@chainsafe/hashtree', 'classic-level', 'hash-wasm', 'secp256k1'];

/** Makes `dist/bundle` anew where something was compiled or installed since. */
export async function bundle(root) {
  const dist = join(root, 'dist');
  const stamp = join(dist, 'bundle', '.bundled');
  const sources = ['dist/.tsbuildinfo', 'package-lock.json', 'scripts/bundle.mjs'];
  const madeMs = existsSync(stamp) ? statSync(stamp).mtimeMs : -Infinity;
  if (sources.every((file) => statSync(join(root, file)).mtimeMs < madeMs)) return;
  rmSync(join(dist, 'bundle'), { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: ENTRIES,
    outdir: 'dist',
    chunkNames: 'bundle/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: OUTSIDE,
    // CommonJS libraries ask for modules of Node by `require`.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    logLevel: 'warning',
  });
  writeFileSync(stamp, '');
}
