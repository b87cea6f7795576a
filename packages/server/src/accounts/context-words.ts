/** Shortest word that counts; shorter ones are in too many others. */
const minWordLength = 3

/** Characters that people put in the place of letters. Words and passwords are folded alike, so that `l` and `1` may both become `i`. */
const lookalikes: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
  l: 'i',
}

/**
 * Returns how much of a password is left, in Unicode code points, without the words that anybody who knows its owner and the service
 * would try: in whatever case, and with digits in the place of letters.
 */
export function lengthWithoutContext(password: string, context: readonly string[]): number {
  const longestFirst = [...new Set(context.flatMap(wordsOf))].toSorted((one, other) => other.length - one.length)
  const rest = longestFirst.reduce((text, word) => text.replaceAll(word, ''), fold(password))
  return [...rest].length
}

/** Returns the words in the labels of a host name, without its last label where there are several: `example` of `auth.example.com`. */
export function hostWords(host: string): string {
  const labels = host.split('.')
  return (labels.length > 1 ? labels.slice(0, -1) : labels).join(' ')
}

/** The words of a text, and the text itself. */
function wordsOf(text: string): string[] {
  const parts = text.split(/[^\p{L}\p{M}\p{N}]+/u)
  return [text.trim(), ...parts].map(fold).filter((word) => [...word].length >= minWordLength)
}

function fold(text: string): string {
  return [...text.normalize('NFKC').toLowerCase()].map((character) => lookalikes[character] ?? character).join('')
}
