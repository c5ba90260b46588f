import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cropped, type Image } from '../images/image.js';
import { decodeImage } from '../images/codec.js';
import { importModel, type ImportedModel } from './import-model.js';
import { ModelError } from './model-error.js';
import { readTfjsFolder } from './tfjs/folder.js';

const PACKAGE = '@upscalerjs/esrgan-slim';

/** Times larger that there are networks for. */
export const ESRGAN_SCALES = [2, 3, 4, 8] as const;
export type EsrganScale = (typeof ESRGAN_SCALES)[number];

/** Pixels of a tile's side: with the margin that the network needs on both sides two thirds of a tile are its own. */
export const ESRGAN_TILE = 64;

/** A picture's bytes, as they are. */
const BYTES = { type: 'uint8', scale: 1, zero: 0 } as const;

/**
 * ESRGAN-slim (MIT), a network that enlarges pictures, as a program from tiles of bytes to larger tiles of bytes; calibrated on the photograph
 * its package comes with.
 *
 * @throws ModelError MODEL_PACKAGE_MISSING where the package is not installed
 */
export async function importEsrgan(scale: EsrganScale = 2, tile = ESRGAN_TILE): Promise<ImportedModel> {
  const folder = esrganFolder();
  const { model } = await readTfjsFolder(join(folder, 'models', `x${scale}`));
  const photograph = decodeImage(await readFile(join(folder, 'assets', 'fixture.png')));
  const samples = corners(photograph, tile).map(({ data }) => [Float32Array.from(data)]);
  const output = model.outputs[0]?.name ?? '';
  return importModel(model, {
    shapes: new Map([['LR', [1, tile, tile, 3]]]),
    samples: () => samples,
    grids: new Map([
      ['LR', BYTES],
      [output, BYTES],
    ]),
  });
}

/** Where its package lies. @throws ModelError MODEL_PACKAGE_MISSING */
export function esrganFolder(): string {
  try {
    // What the package exports is code for browsers: its manifest is not among it.
    const entry = createRequire(import.meta.url).resolve(`${PACKAGE}/2x`);
    return entry.slice(0, entry.lastIndexOf(join('esrgan-slim', 'dist'))) + 'esrgan-slim';
  } catch (cause) {
    const cure = `npm install ${PACKAGE}`;
    throw new ModelError('MODEL_PACKAGE_MISSING', `${PACKAGE} is not installed`, { cure }, { cause });
  }
}

/** Tiles at the corners of a picture: together most of it. */
function corners(image: Image, tile: number): Image[] {
  const [right, bottom] = [image.width - tile, image.height - tile];
  return [
    [0, 0],
    [right, 0],
    [0, bottom],
    [right, bottom],
  ].map(([left = 0, top = 0]) => cropped(image, left, top, tile, tile));
}
