/** How the lines of a program differ from those of the one that it was made from. */
export interface LineCount {
  /** How many lines it has more. */
  readonly added: number
  /** How many lines of the other program it does not have any more. */
  readonly changed: number
}

/** Compares a guarded program with the open one, as `diff` does. Empty lines do not count. */
export function countLines(open: string, guarded: string): LineCount {
  const [before, after] = [linesOf(open), linesOf(guarded)]
  const kept = [...before]
  for (const line of after) {
    const at = kept.indexOf(line)
    if (at >= 0) kept.splice(at, 1)
  }
  return { added: after.length - before.length, changed: kept.length }
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '')
}
