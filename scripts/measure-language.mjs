/**
 * Prints how the comments and the prose of the repository read, per 1,000 words:
 * `node scripts/measure-language.mjs [path ...]`. Without a path it measures every tracked file.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { patterns, sentencesOf, textsOf, wideLinesOf, wordCountOf, wordingOf } from './language.mjs'

const areas = {
  'messages and descriptions': [/^packages\/[^/]+\/src\/.*\.ts$/, sentencesOf],
  'names of tests': [/(^|\/)test\/.*\.test\.ts$|store-contract\//, sentencesOf],
  'library, comments': [/^packages\/latchkey\/(src|scripts)\/.*\.[cm]?[jt]s$/, textsOf],
  'server, comments': [/^packages\/server\/(src|bin|scripts)\/.*\.[cm]?[jt]s$/, textsOf],
  'tests, comments': [/(^|\/)test\/.*\.[cm]?[jt]s$/, textsOf],
  'benchmarks and examples, comments': [/^(bench|examples|scripts)\/.*\.[cm]?[jt]s$/, textsOf],
  'deployment, comments': [/^(deploy|\.github)\/.*\.(ya?ml|sh|conf|service|timer)$|Dockerfile$/, textsOf],
  'docs, prose': [/\.md$/, textsOf],
}

const listed = execFileSync('git', ['ls-files', ...process.argv.slice(2)], { encoding: 'utf8' }).split('\n')
const paths = listed.filter((path) => path !== '' && !/CHANGELOG|^\.changeset/.test(path))
const rows = [['area', 'words', ...Object.keys(patterns), 'lines over 100 columns']]
for (const [area, [expression, read]] of Object.entries(areas)) {
  const matching = paths.filter((path) => expression.test(path))
  const texts = matching.map((path) => read(readFileSync(path, 'utf8'), path))
  if (texts.length === 0) continue
  const words = texts.reduce((sum, file) => sum + wordCountOf(file), 0)
  const found = texts.flatMap(wordingOf)
  const lines = texts.flat().reduce((sum, text) => sum + text.lines.length, 0)
  const wide = texts.flatMap(wideLinesOf).length
  const rates = Object.keys(patterns).map((name) => {
    const count = found.filter((one) => one.name === name).length
    return ((count * 1000) / words).toFixed(1)
  })
  rows.push([area, String(words), ...rates, `${((wide * 100) / lines).toFixed(1)} %`])
}
const subjects = execFileSync('git', ['log', '--format=%s', '-n', '200'], { encoding: 'utf8' }).trim().split('\n')
const long = subjects.filter((subject) => subject.length > 72).length

const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
for (const row of rows) console.log(`| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`)
console.log(`Of the last ${subjects.length} commit subjects ${long} are longer than 72 characters.`)
