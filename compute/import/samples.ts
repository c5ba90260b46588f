import { decodeImage } from '../images/codec.js';
import { cropped, withChannels, type Image } from '../images/image.js';
import { ModelError } from './model-error.js';
import { elementCount } from './model.js';
import type { FloatData, Network } from './network/network.js';
import { readNpy } from './npy.js';

/** A file of inputs: a picture, or an array of NumPy with one sample or, along a dimension before all others, several. */
export interface SampleFile {
  /** The input it is for; the only one where not given. */
  readonly input?: string | undefined;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What the bytes 0 and 255 of a picture are to the model. */
export interface PixelRange {
  readonly low: number;
  readonly high: number;
}

/** Tiles that a picture larger than the input gives: its corners and its middle. */
const PLACES = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
  [0.5, 0.5],
] as const;

/**
 * Inputs of a network from files: sample i of every input together are one.
 *
 * @throws ModelError MODEL_CALIBRATION where files do not fit the inputs; ImageError
 */
export function readSamples(
  network: Network,
  files: readonly SampleFile[],
  pixels: PixelRange,
): FloatData[][] {
  const byInput = network.inputs.map(({ name, value }, index) => {
    const shape = network.values[value]?.shape ?? [];
    const own = files.filter(({ input }) =>
      input === undefined ? network.inputs.length === 1 : input === name,
    );
    const tensors = own.flatMap((file) => tensorsOf(file, shape, pixels));
    if (tensors.length === 0)
      throw new ModelError('MODEL_CALIBRATION', `no samples for the input ${name}`, { input: name, index });
    return tensors;
  });
  const count = Math.min(...byInput.map(({ length }) => length));
  return Array.from({ length: count }, (_, i) => byInput.flatMap((tensors) => tensors[i] ?? []));
}

function tensorsOf({ name, bytes }: SampleFile, shape: readonly number[], pixels: PixelRange): FloatData[] {
  if (!name.endsWith('.npy'))
    return tilesOf(decodeImage(bytes), shape, name).map((image) => scaled(image, pixels));
  const array = readNpy(name, bytes);
  const size = elementCount(shape);
  const own =
    array.shape.length > shape.length ? array.shape.slice(array.shape.length - shape.length) : array.shape;
  if (elementCount(own) !== size)
    throw new ModelError(
      'MODEL_CALIBRATION',
      `${name} of ${array.shape.join('×')} is no input of ${shape.join('×')}`,
      {
        file: name,
      },
    );
  return Array.from({ length: array.data.length / size }, (_, i) =>
    array.data.subarray(i * size, (i + 1) * size),
  );
}

function tilesOf(image: Image, shape: readonly number[], name: string): Image[] {
  const [batch, height = 0, width = 0, channels] = shape;
  if (shape.length !== 4 || batch !== 1 || (channels !== 1 && channels !== 3))
    throw new ModelError('MODEL_CALIBRATION', `${name}: an input of ${shape.join('×')} takes no pictures`, {
      file: name,
    });
  const [right, bottom] = [image.width - width, image.height - height];
  if (right < 0 || bottom < 0)
    throw new ModelError(
      'MODEL_CALIBRATION',
      `${name} of ${image.width}×${image.height} is smaller than ${width}×${height}`,
      {
        file: name,
      },
    );
  const places = right === 0 && bottom === 0 ? PLACES.slice(0, 1) : PLACES;
  const part = withChannels(image, channels);
  return places.map(([x, y]) => cropped(part, Math.floor(x * right), Math.floor(y * bottom), width, height));
}

function scaled({ data }: Image, { low, high }: PixelRange): Float32Array {
  return Float32Array.from(data, (byte) => low + (byte * (high - low)) / 255);
}
