/** How the records of a batch are compressed, all of them together. */
export interface BatchCompression {
  /** What the attributes of a record batch call it, 1 to 7. */
  readonly id: number;
  /** Pieces that make up the compressed bytes, in order. Throws OperatorError when it does not run on this platform. */
  readonly compress: (bytes: Buffer) => readonly Uint8Array[];
}
