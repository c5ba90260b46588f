import { OgpuError } from '../../protocol/errors.js';

export type ImageErrorCode =
  /** Neither PNG nor JPEG, or broken. */
  | 'IMAGE_MALFORMED'
  /** More pixels, or bytes, than are taken. */
  | 'IMAGE_TOO_LARGE'
  /** Not of the size or kind that a program takes. */
  | 'IMAGE_UNFIT';

export class ImageError extends OgpuError<ImageErrorCode> {}

/** Pixels in rows, a byte for each channel: red, green and blue, or grey alone. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** A picture with as many channels as asked for: grey is a weighted mean of the colours (BT.601). */
export function withChannels(image: Image, channels: 1 | 3): Image {
  const { width, height, data } = image;
  if (image.channels === channels) return image;
  const result = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    if (channels === 3) result.fill(data[i] ?? 0, 3 * i, 3 * i + 3);
    else {
      const [red = 0, green = 0, blue = 0] = data.subarray(3 * i, 3 * i + 3);
      result[i] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
    }
  }
  return { width, height, channels, data: result };
}

/** Part of a picture. @throws ImageError IMAGE_UNFIT where it does not lie on it */
export function cropped(image: Image, left: number, top: number, width: number, height: number): Image {
  if (left < 0 || top < 0 || left + width > image.width || top + height > image.height)
    throw new ImageError(
      'IMAGE_UNFIT',
      `${width}×${height} from ${left}, ${top} is not on ${image.width}×${image.height}`,
    );
  const { channels } = image;
  const data = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), row * width * channels);
  }
  return { width, height, channels, data };
}
