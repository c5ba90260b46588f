/**
 * Hard bounds of the wire formats. Nodes that differ in one disagree on what is valid, and on the ids of SSZ lists: changing one is an
 * explicit act, caught by the locks in the tests. Chain parameters may be tighter, never looser.
 */

/** Validators in one set. */
export const MAX_VALIDATORS = 1024;

/** Transactions in one block. */
export const MAX_BLOCK_TRANSACTIONS = 65_536;

/** Bytes of one transaction envelope. */
export const MAX_TRANSACTION_BYTES = 131_072;

/** Bytes of one encoded body; larger messages are refused before they are parsed. */
export const MAX_BLOCK_BYTES = 8 * 1024 * 1024;

/** Pieces of evidence in one block. */
export const MAX_BLOCK_EVIDENCE = 64;

/** Bytes of one vote extension. */
export const MAX_EXTENSION_BYTES = 2048;

/** Segments of a job whose audit is full: their answers are opened in one transaction. */
export const MAX_FULL_AUDIT_SEGMENTS = 1024;

/** Vote extensions in one block: one per signer of the parent commit, and as many late ones. */
export const MAX_BLOCK_EXTENSIONS = 2 * MAX_VALIDATORS;

/** Bytes of the encoded receipts of one block. */
export const MAX_RECEIPTS_BYTES = 32 * 1024 * 1024;

/** Logs of one block's system phase, or of one transaction. */
export const MAX_BLOCK_LOGS = 65_536;

/** Topics of one log: the event's signature and three indexed parameters, as in the EVM. */
export const MAX_LOG_TOPICS = 4;

/** Bytes of one log's data. */
export const MAX_LOG_DATA_BYTES = 65_536;

/** Unix milliseconds of a header: adding any span of time that parameters allow still makes a safe integer. */
export const MAX_BLOCK_TIME_MS = 2 ** 52;

/** Free bytes of a header. */
export const MAX_EXTRA_DATA_BYTES = 32;

/** Protocol upgrades a parameter set can schedule. */
export const MAX_UPGRADES = 64;

/** Epochs for which evidence can be accepted: what a slash has to visit. */
export const MAX_EVIDENCE_EPOCHS = 128;

/** Bytes of each chunk of a blob but the last. */
export const BLOB_CHUNK_BYTES = 256 * 1024;

/** Bytes of one blob: the largest weights there can be. */
export const MAX_BLOB_BYTES = 2 ** 32;
