import { foldText } from './search-text.js'

/** The patterns and trigrams of a search, for the search texts of accounts. */
export interface SearchTerm {
  /**
   * Patterns of `like` with the escape character `\`: an account matches if one of them matches its
   * search text.
   */
  readonly patterns: readonly string[]
  /** Trigrams that the padded text of every matching account contains; at least one. */
  readonly trigrams: readonly string[]
}

/** A text of fewer characters has no trigram of its own. */
const minTrigram = 3

/**
 * More trigrams than this make the look-up no narrower in practice, and a long search would cost
 * as many reads of the index as it has characters.
 */
const maxTrigrams = 8

/**
 * Returns the term of a search. A text of three characters or more matches anywhere. A shorter one
 * matches where a name, an address or a word of them begins, because an index of trigrams cannot
 * find it in the middle of a word.
 *
 * @returns `undefined` if no stored text can match: texts contain neither U+0000 nor lone
 * surrogates, and an empty search is no search
 */
export function searchTermOf(search: string): SearchTerm | undefined {
  const text = foldText(search.trim())
  if (text === '' || text.includes('\0') || loneSurrogate.test(text)) return undefined
  const escaped = text.replaceAll(/[\\%_]/g, '\\$&')
  const long = [...text].length >= minTrigram
  return long
    ? { patterns: [`%${escaped}%`], trigrams: sampleOf(trigramsOf(padded(text))) }
    : {
        patterns: [`${escaped}%`, `% ${escaped}%`, `%\n${escaped}%`],
        trigrams: trigramsOf(`  ${padded(text)}`).slice(-1),
      }
}

const loneSurrogate = /\p{Surrogate}/u

/** Separates words as the indexed text does (`database/search-schema.ts`). */
function padded(text: string): string {
  return text.replaceAll('\n', '  ').replaceAll(' ', '  ')
}

/** Returns the different trigrams of a text, of whole characters. */
function trigramsOf(text: string): readonly string[] {
  const characters = [...text]
  return [...new Set(characters.slice(2).map((_, at) => characters.slice(at, at + minTrigram).join('')))]
}

/** Returns up to `maxTrigrams` of the trigrams, at even distances from the first to the last. */
function sampleOf(trigrams: readonly string[]): readonly string[] {
  if (trigrams.length <= maxTrigrams) return trigrams
  const step = (trigrams.length - 1) / (maxTrigrams - 1)
  return Array.from({ length: maxTrigrams }, (_, at) => trigrams[Math.round(at * step)] ?? '')
}
