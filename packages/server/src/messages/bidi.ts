/** The directional isolates (UAX #9 §2.4). */
const isolates = /[\u2066-\u2069]/g

/** Characters that change the direction of what follows: embeddings, overrides and isolates. */
const directionControls = /[\u202a-\u202e\u2066-\u2069]/g

/** Scripts that are written from right to left. */
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

/** Removes directional isolates, which have no use where a text has one direction. */
export function withoutIsolates(text: string): string {
  return text.replaceAll(isolates, '')
}

/**
 * Removes the characters by which a value could reorder the text around it, for example a name that
 * another person chose.
 */
export function withoutDirectionControls(text: string): string {
  return text.replaceAll(directionControls, '')
}

/** Returns whether a text has characters that are written from right to left. */
export function hasRightToLeft(text: string): boolean {
  return rightToLeft.test(text)
}
