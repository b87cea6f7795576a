import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Model } from 'messageformat'
import { type Locale, locales } from '../locales.js'
import { StartupFailure } from '../startup-failure.js'
import { type Catalogue, parseCatalogue, readCatalogue } from './catalogue.js'

/** Letters of the operator, by language. */
export type LetterTemplates = ReadonlyMap<Locale, Catalogue>

type MessageFormatPackage = typeof import('messageformat')

/** The prefix of the keys of letters. */
const letterPrefix = 'letter.'

const ending = '.json'

/** The placeholders that a letter must contain, in a paragraph of their own. */
const required = ['link', 'code'] as const

/**
 * Reads and checks the letters of the operator. Each file is named for a language and holds
 * messages under the keys of `locales/en.json` that begin with `letter.`; other letters stay those
 * of the server. A message may use the placeholders of the English one. One with a link or a
 * code must contain it, in a paragraph of its own.
 *
 * @throws StartupFailure `letters_invalid`
 */
export async function readLetterTemplates(folder: string): Promise<LetterTemplates> {
  const files = await readdir(folder).catch((error: unknown) => {
    throw invalid(`The folder ${folder} cannot be read.`, 'Check LATCHKEY_LETTERS and the permissions.', error)
  })
  const format = await import('messageformat')
  const english = await readCatalogue('en')
  const templates = new Map<Locale, Catalogue>()
  for (const file of files.filter((name) => name.endsWith(ending)).toSorted()) {
    const path = join(folder, file)
    const locale = locales.find((known) => `${known}${ending}` === file)
    if (locale === undefined) throw invalid(`${path} is not named for a language.`, `Use ${locales.join(', ')}.`)
    const catalogue = await readTemplates(path)
    for (const [key, source] of catalogue) checkTemplate({ path, key, source }, english, format)
    templates.set(locale, catalogue)
  }
  return templates
}

async function readTemplates(path: string): Promise<Catalogue> {
  try {
    return parseCatalogue(await readFile(path, 'utf8'))
  } catch (error) {
    throw invalid(`${path} is not one JSON object of texts.`, 'Use the form of locales/en.json.', error)
  }
}

/** A message of the operator, and its file. */
interface Template {
  readonly path: string
  readonly key: string
  readonly source: string
}

function checkTemplate({ path, key, source }: Template, english: Catalogue, format: MessageFormatPackage): void {
  const original = english.get(key)
  if (original === undefined || !key.startsWith(letterPrefix))
    throw invalid(`${path}: there is no letter ${key}.`, 'See locales/en.json for the keys that begin with "letter.".')
  const message = parseTemplate({ path, key, source }, format)
  const needed = required.filter((name) => original.includes(`{$${name}}`))
  // A subject may use the values of its letter, except for the link and the code.
  const text = english.get(key.replace(/\.subject$/, '.body')) ?? original
  const known = [...placeholdersOf(format.parseMessage(text), format.visit)]
  const allowed = known.filter((name) => !isRequired(name) || needed.includes(name))
  const unknown = [...placeholdersOf(message, format.visit)].filter((name) => !allowed.includes(name))
  if (unknown.length > 0) {
    const names = allowed.map((name) => `{$${name}}`).join(', ')
    throw invalid(`${path}: ${key} has no value for {$${unknown.join('}, {$')}}.`, `It may use ${names || 'none'}.`)
  }
  const samples = Object.fromEntries(allowed.map((name) => [name, name === 'left' ? 3 : name]))
  new format.MessageFormat('en', message).format(samples, (error) => {
    throw invalid(`${path}: ${key} cannot be formatted.`, 'Use placeholders without functions.', error)
  })
  for (const name of needed) {
    const isAt = (part: Model.Pattern[number]) => isPlaceholder(part, name)
    const hasIt = (pattern: Model.Pattern) => pattern.filter(isAt).length === 1 && isAlone(pattern, isAt)
    if (patternsOf(message).every(hasIt)) continue
    throw invalid(`${path}: ${key} lacks the ${name}.`, `Give {$${name}} a paragraph of its own, between empty lines.`)
  }
}

function parseTemplate({ path, key, source }: Template, format: MessageFormatPackage): Model.Message {
  try {
    const message = format.parseMessage(source)
    format.validate(message)
    return message
  } catch (error) {
    throw invalid(`${path}: ${key} is not a message of MessageFormat 2.`, 'Write { as \\{.', error)
  }
}

/** Returns the texts of a message: one for each variant. */
function patternsOf(message: Model.Message): readonly Model.Pattern[] {
  return message.type === 'select' ? message.variants.map(({ value }) => value) : [message.pattern]
}

function isRequired(name: string): name is (typeof required)[number] {
  return required.some((known) => known === name)
}

/** Returns whether a part of a message is this placeholder, without a function. */
function isPlaceholder(part: Model.Pattern[number], name: string): boolean {
  if (typeof part === 'string' || part.type !== 'expression' || part.functionRef !== undefined) return false
  return part.arg?.type === 'variable' && part.arg.name === name
}

/** Returns whether empty lines, or the ends of the text, surround a part of a message. */
function isAlone(pattern: Model.Pattern, isAt: (part: Model.Pattern[number]) => boolean): boolean {
  const index = pattern.findIndex(isAt)
  const before = pattern[index - 1] ?? '\n\n'
  const after = pattern[index + 1] ?? '\n\n'
  return (
    typeof before === 'string' && /\n\s*\n\s*$/.test(before) && typeof after === 'string' && /^\s*\n\s*\n/.test(after)
  )
}

/** Returns the paragraphs of a letter. Empty lines separate them. */
export function paragraphsOf(text: string): readonly string[] {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '')
}

/** Returns the names of the values that the caller of a message supplies. */
export function placeholdersOf(message: Model.Message, visit: MessageFormatPackage['visit']): ReadonlySet<string> {
  const names = new Set<string>()
  const declared = new Set<string>()
  visit(message, {
    declaration: ({ type, name }) => {
      if (type === 'local') declared.add(name)
    },
    value: (value) => {
      if (value.type === 'variable') names.add(value.name)
    },
  })
  return new Set([...names].filter((name) => !declared.has(name)))
}

function invalid(message: string, hint: string, cause?: unknown): StartupFailure {
  return new StartupFailure('letters_invalid', message, hint, cause)
}
