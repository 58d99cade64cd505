/** What one layer may unpack to. */
export interface LayerLimits {
  /** Bytes of the archive, so of everything unpacked. */
  maxBytes: number;
  maxEntries: number;
}

/** Far above what images have, and below what would fill a disk unnoticed. */
export const defaultLimits: LayerLimits = { maxBytes: 32 * 2 ** 30, maxEntries: 5_000_000 };
