import type { Program } from '../../protocol/graph/check.js';
import { planJob, type JobPlan } from '../../protocol/graph/segmentation.js';
import { placePart, segmentItems, segmentPart } from '../../protocol/graph/segments.js';
import { runSegments, type Executor, type SegmentsResult } from '../run-segments.js';
import { ImageError, withChannels, type Image } from './image.js';

export interface ImageJob {
  readonly program: Program;
  readonly weights: Uint8Array;
  readonly image: Image;
  /** Pixels that a tile reads beyond its own on every side: as many as the network sees, and no seam is left. */
  readonly margin: number;
  readonly executor: Executor;
  readonly wallMs: number;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ImageResult extends SegmentsResult {
  /** Undefined where the job did not complete. */
  readonly image: Image | undefined;
  readonly plan: JobPlan;
}

/**
 * How a picture of any size becomes a job of a program that takes tiles of one size; a client posts just this.
 *
 * @throws ImageError IMAGE_UNFIT where the program takes no pictures of bytes; SegmentationError where tiles do not fit
 */
export function planImage(program: Program, { width, height }: Image, margin: number): JobPlan {
  channelsOf(program);
  return planJob(program, { kind: 'tiles', height, width, margin });
}

/** The input of that job: its pixels, with as many channels as the program takes. @throws ImageError IMAGE_UNFIT */
export function imageInput(program: Program, image: Image): Uint8Array {
  const [input] = channelsOf(program);
  return withChannels(image, input).data;
}

/** The picture that the output of such a job is. @throws ImageError IMAGE_UNFIT where the job makes none */
export function imageOutput({ program, segmentation, tiles }: JobPlan, output: Uint8Array): Image {
  const [, channels] = channelsOf(program);
  if (segmentation.kind !== 'tiles' || tiles === undefined)
    throw new ImageError('IMAGE_UNFIT', 'the job was not of a picture');
  const { scaleWidth, scaleHeight } = tiles;
  const size = { width: segmentation.width * scaleWidth, height: segmentation.height * scaleHeight };
  return { ...size, channels, data: output };
}

/** The picture that a program makes of one, tile by tile, in a process of its own. @throws as `planImage` and `runSegments` */
export async function runImage(job: ImageJob): Promise<ImageResult> {
  const { program, margin } = job;
  const plan = planImage(program, job.image, margin);
  const data = imageInput(program, job.image);
  const segments = Array.from({ length: plan.segments }, (_, index) => segmentItems(plan, data, index));
  const pixels = new Uint8Array(plan.outputBytes);
  const { outcome, ranOn } = await runSegments({
    ...job,
    segments,
    onOutputs: (index, outputs) => {
      placePart(plan, pixels, segmentPart(plan, outputs, index), index);
    },
  });
  const image = outcome.kind === 'completed' ? imageOutput(plan, pixels) : undefined;
  return { outcome, ranOn, plan, image };
}

/** Channels that pictures of a program have: before and after. */
function channelsOf({ graph, tensors }: Program): [input: 1 | 3, output: 1 | 3] {
  const kinds = [graph.inputs[0], tensors[graph.outputs[0] ?? -1]].map((tensor) => {
    const channels = tensor?.shape[3];
    const isPicture =
      tensor?.type === 'uint8' && tensor.shape.length === 4 && (channels === 1 || channels === 3);
    if (!isPicture)
      throw new ImageError('IMAGE_UNFIT', 'the program does not make pictures of pictures in bytes');
    return channels;
  });
  return [kinds[0] ?? 3, kinds[1] ?? 3];
}
