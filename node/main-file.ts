import { fileURLToPath } from 'node:url';

/** The program `ogpu` that this code is of, to be run by Node: `main.js` beside this module, bundled or not. */
export const MAIN_FILE = fileURLToPath(new URL('./main.js', import.meta.url));
