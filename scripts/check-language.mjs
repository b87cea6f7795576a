/**
 * Fails on wording and on wide lines that CONTRIBUTING.md, section "Language", rules out:
 * `node scripts/check-language.mjs [path ...]`. Without a path it checks every tracked file.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { sentencesOf, textsOf, wideLinesOf, wordingOf } from './language.mjs'

/**
 * Wording that is right where it stands, with the reason. Keep this list short: a plainer sentence
 * is the usual way out of a finding.
 */
const allowed = [
  {
    path: /^test\/language\//,
    wording: /./,
    reason: 'The test of these rules quotes the wording that they find.',
  },
]

const checked = /\.([cm]?[jt]s|ya?ml|sh|conf|service|timer|md)$|Dockerfile$/
const generated = /CHANGELOG|^\.changeset\/|^bench\/results\/|^docs\/reference\/(library\/|cli\.md|configuration\.md)/
const withSentences = /^packages\/[^/]+\/(src|test)\/.*\.ts$|^test\/.*\.ts$/

const listed = execFileSync('git', ['ls-files', ...process.argv.slice(2)], { encoding: 'utf8' }).split('\n')
const findings = listed.filter((path) => checked.test(path) && !generated.test(path)).flatMap(findingsIn)
for (const { path, line, text } of findings) console.error(`${path}:${line}: ${text}`)
if (findings.length > 0) {
  console.error(`Found ${findings.length} places to put in plainer words. CONTRIBUTING.md, "Language", has the rules.`)
  process.exitCode = 1
}

function findingsIn(path) {
  const text = readFileSync(path, 'utf8')
  const texts = textsOf(text, path)
  const sentences = withSentences.test(path) ? sentencesOf(text, path) : []
  const wording = [...wordingOf(texts), ...sentences.flatMap((sentence) => wordingOf([sentence]))]
    .filter((found) => !allowed.some((one) => one.path.test(path) && one.wording.test(found.wording)))
    .map(({ line, name, wording }) => ({ path, line, text: `${name}: "${wording}"` }))
  return [...wording, ...wideLinesOf(texts).map((line) => ({ path, line, text: 'wider than 100 columns' }))]
}
