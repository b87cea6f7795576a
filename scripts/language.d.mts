/** One comment or one line of prose: the number of its first line, and its lines. */
export interface Text {
  readonly line: number
  readonly lines: readonly string[]
}

/** Wording that the rules refuse, by the name of its pattern. */
export interface Finding {
  readonly name: string
  readonly wording: string
  readonly line: number
}

export function textsOf(text: string, path: string): Text[]
export function sentencesOf(text: string, path: string): Text[]
export function wordingOf(texts: readonly Text[]): Finding[]
export function wideLinesOf(texts: readonly Text[]): number[]
