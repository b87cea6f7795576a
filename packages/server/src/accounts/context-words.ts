/** The shortest word that is removed; shorter ones occur in too many other words. */
const minWordLength = 3

/**
 * Digits and signs that stand for letters. Words and passwords are folded in the same way, so that
 * both `l` and `1` may become `i`.
 */
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
 * Returns the length of a password, in Unicode code points, without the given words. An attacker
 * who knows the owner and the service would try these words, in any case and with digits for
 * letters.
 */
export function lengthWithoutContext(password: string, context: readonly string[]): number {
  const longestFirst = [...new Set(context.flatMap(wordsOf))].toSorted((one, other) => other.length - one.length)
  const rest = longestFirst.reduce((text, word) => text.replaceAll(word, ''), fold(password))
  return [...rest].length
}

/**
 * Returns the labels of a host name as words, without the last label if there are several: `auth
 * example` for `auth.example.com`.
 */
export function hostWords(host: string): string {
  const labels = host.split('.')
  return (labels.length > 1 ? labels.slice(0, -1) : labels).join(' ')
}

/** Returns the words of a text, and the text itself. */
function wordsOf(text: string): string[] {
  const parts = text.split(/[^\p{L}\p{M}\p{N}]+/u)
  return [text.trim(), ...parts].map(fold).filter((word) => [...word].length >= minWordLength)
}

function fold(text: string): string {
  return [...text.normalize('NFKC').toLowerCase()].map((character) => lookalikes[character] ?? character).join('')
}
