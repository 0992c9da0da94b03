/**
 * Errors that the user can do something about. Each message is one line: what was wrong, where, what to do.
 *
 * @module
 */

/** What kind of thing went wrong with the capture. */
export type CaptureErrorKind = "library" | "permission" | "device" | "filter" | "file";

/** Capturing or reading failed. Whatever was read before is still good. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";

  /**
   * @param kind What kind of thing failed.
   * @param subject The device, file or expression concerned.
   * @param message One line for the user.
   */
  constructor(readonly kind: CaptureErrorKind, readonly subject: string, message: string) {
    super(message);
  }
}

/** Why an output cannot be written to; `nobody reads` is the broken pipe of a reader that has had enough. */
export type OutputErrorReason = "nobody reads" | "denied" | "failed";

/** Something outside could not be written to: a file, a pipe or the terminal. */
export class OutputError extends Error {
  override readonly name = "OutputError";

  /**
   * @param subject Where the output was going.
   * @param reason Why it did not get there.
   * @param message One line for the user.
   */
  constructor(readonly subject: string, readonly reason: OutputErrorReason, message: string) {
    super(message);
  }
}
