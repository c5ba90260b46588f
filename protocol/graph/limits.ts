/**
 * Hard bounds of the tensor machine. They are part of what a valid program is: changing one is a change of protocol. Every one leaves a
 * program within WebGPU's default limits.
 */

/** Bytes of an encoded graph: it travels in the transaction that registers it. */
export const MAX_GRAPH_BYTES = 65_536;

export const MAX_GRAPH_INPUTS = 16;
export const MAX_GRAPH_OUTPUTS = 16;
export const MAX_GRAPH_CONSTANTS = 2_048;
export const MAX_GRAPH_NODES = 2_048;

/** Operands of one node; `concat` has the most. */
export const MAX_OPERANDS = 16;

/** Integers among the attributes of one node; `slice` of six dimensions has 18. */
export const MAX_ATTRIBUTES = 24;

export const MAX_RANK = 6;

/** Bytes of one tensor with rows of whole words: WebGPU's default limit of a storage binding. */
export const MAX_TENSOR_BYTES = 2 ** 27;

/** Bytes of all constants of a graph together. */
export const MAX_WEIGHT_BYTES = 2 ** 32;

/** Bytes of constants and of what is alive at once during a segment. */
export const MAX_PROGRAM_BYTES = 2 ** 33;

/** Terms of one sum: products of 16-bit numbers then stay exact in 53 bits while bounds are computed. */
export const MAX_TERMS = 2 ** 20;

/** Outputs of a convolution or columns of a product, and rows of a scale: each has a proof of its own. */
export const MAX_CHANNELS = 2 ** 18;

/** Kernel sizes, strides, dilations and paddings of windows. */
export const MAX_WINDOW = 1_024;

/** Elements under one window of an average: their sum fits 32 bits. */
export const MAX_AVERAGE_AREA = 32_768;

/** Height and width on both sides of a resize: coordinates then fit 32 bits. */
export const MAX_RESIZE = 16_384;

/** Elements of a row of softmax and of layer norm: sums then fit 32 bits. */
export const MAX_ROW = 32_768;

/** Multiply-accumulates and elementary steps of one segment, each. */
export const MAX_SEGMENT_WORK = 2 ** 40;

/** Work of one dispatch in units of the meter, at most about 100 ms on the slowest adapter that is of use. */
export const DISPATCH_UNITS = 2 ** 28;

/** Segments of one job: a segment's index fits 16 bits beside a value that means none. */
export const MAX_SEGMENTS = 65_535;
