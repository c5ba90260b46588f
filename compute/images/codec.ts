import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { ImageError, type Image } from './image.js';

/** Bytes of a file, and pixels of a picture, that are read at all. */
export const MAX_IMAGE_BYTES = 64 * 1024 * 1024;
export const MAX_PIXELS = 2 ** 24;

const PNG_MAGIC = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Memory that decoding a JPEG may take, in MiB. */
const JPEG_MEMORY_MIB = 512;

/**
 * A picture from the bytes of a PNG or JPEG file. Transparency is left out; pictures of 16 bits lose 8.
 *
 * @throws ImageError IMAGE_MALFORMED | IMAGE_TOO_LARGE; nothing else, whatever the bytes are
 */
export function decodeImage(file: Uint8Array): Image {
  if (file.length > MAX_IMAGE_BYTES) throw tooLarge(`${file.length} bytes`);
  const { width, height, data } = decode(file);
  if (width * height * 4 !== data.length) throw malformed('pixels of another number than its size');
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) pixels.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  return { width, height, channels: 3, data: pixels };
}

function decode(file: Uint8Array): {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
} {
  const isPng = PNG_MAGIC.every((byte, at) => file[at] === byte);
  const isJpeg = file[0] === 0xff && file[1] === 0xd8;
  if (!isPng && !isJpeg) throw malformed('neither PNG nor JPEG');
  // A picture says its size before its pixels: too large a one is never unpacked.
  if (isPng) checkPngSize(file);
  try {
    if (isPng) return PNG.sync.read(Buffer.from(file));
    return jpeg.decode(file, {
      useTArray: true,
      maxResolutionInMP: MAX_PIXELS / 1e6,
      maxMemoryUsageInMB: JPEG_MEMORY_MIB,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (/max(Resolution|Memory)/.test(message)) throw tooLarge('pixels or memory');
    throw malformed(message.slice(0, 200));
  }
}

function checkPngSize(file: Uint8Array): void {
  if (file.length < 33) throw malformed('a PNG that ends in its header');
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const pixels = view.getUint32(16) * view.getUint32(20);
  if (pixels === 0) throw malformed('no pixels');
  if (pixels > MAX_PIXELS) throw tooLarge(`${pixels} pixels`);
}

/** The bytes of a PNG file. */
export function encodePng({ width, height, channels, data }: Image): Uint8Array {
  const png = new PNG({
    width,
    height,
    colorType: channels === 1 ? 0 : 2,
    inputColorType: channels === 1 ? 0 : 2,
    inputHasAlpha: false,
  });
  png.data = Buffer.from(data);
  return PNG.sync.write(png, {
    colorType: channels === 1 ? 0 : 2,
    inputColorType: channels === 1 ? 0 : 2,
    inputHasAlpha: false,
  });
}

function malformed(reason: string): ImageError {
  return new ImageError('IMAGE_MALFORMED', `no picture: ${reason}`);
}

function tooLarge(what: string): ImageError {
  return new ImageError(
    'IMAGE_TOO_LARGE',
    `a picture of ${what}: at most ${MAX_PIXELS} pixels and ${MAX_IMAGE_BYTES} bytes`,
    {
      maxPixels: MAX_PIXELS,
      maxBytes: MAX_IMAGE_BYTES,
    },
  );
}
