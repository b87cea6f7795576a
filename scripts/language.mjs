/**
 * Finds the comments of a source file and the prose of a Markdown page, and the wording in them
 * that CONTRIBUTING.md, section "Language", rules out. `measure-language.mjs` counts with it, and
 * `check-language.mjs` fails on its findings.
 */
import ts from 'typescript'

/** The widest line of a comment or of prose, in columns. */
export const maxColumns = 100

/** Wording that hides the subject of a sentence or replaces a term of the field, by name. */
export const patterns = {
  'headless clause': [
    /(?:^|[.;:(]\s+|\b(?:and|or|but|to|of|for|by|from|with|than|lets?|is|as|on|against|before|after|until|so)\s+)(?:who|whoever)\s+(?!else\b)\w+/gi,
    /(?:^|[.;:(]\s+)what(?:ever)?\s+(?!if\b|about\b)\w+(?![^.]*\?)/gi,
    /\b(?:of|from|by|to|with|than|for|on|against|before|after|until|as|and|or) what(?:ever)? (?:is|was|has|are|were|had|came|comes|can|could|must|may|will|would)\b/gi,
  ],
  'indefinite person': [/\b(?:everybody|somebody|nobody|anybody|whoever)\b/gi],
  'speech or hearing': [/\b(?:tells?|told|hears?|heard|learnt)\b/gi],
  'belief or doubt': [/\b(?:believe[sd]?|belief|vouch(?:e[sd])?|doubt(?:s|ed|ful)?)\b/gi],
  'gives for returns': [/\bgives\b(?! (?:up|back|way)\b)/gi],
  metaphor: [/\b(?:lanes?|courier|insurance|horizon|chores?|newcomers?|strangers?)\b/gi],
}

/** Returns the comments of a TypeScript or JavaScript file: their first line and their lines. */
export function commentsOf(text, path = 'file.ts') {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const found = new Map()
  const collect = (ranges) => {
    for (const { pos, end } of ranges ?? []) found.set(pos, text.slice(pos, end))
  }
  const visit = (node) => {
    collect(ts.getLeadingCommentRanges(text, node.getFullStart()))
    collect(ts.getTrailingCommentRanges(text, node.getEnd()))
    // A documentation comment is a child of its declaration, and is found by its range already.
    for (const child of node.getChildren(file)) if (!ts.isJSDoc(child)) visit(child)
  }
  visit(file)
  return [...found].map(([pos, comment]) => ({
    line: file.getLineAndCharacterOfPosition(pos).line + 1,
    lines: comment.split('\n'),
  }))
}

/**
 * Returns the sentences among the string literals of a file, such as messages and names of tests.
 */
export function sentencesOf(text, path = 'file.ts') {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const sentences = []
  const visit = (node) => {
    const isText = ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)
    if (isText && isSentence(node.text)) {
      const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
      sentences.push({ line, lines: node.text.split('\n') })
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return sentences
}

/** Returns the comments of a file in which a comment is a line that begins with `#`. */
export function hashCommentsOf(text) {
  return text
    .split('\n')
    .map((line, index) => ({ line: index + 1, lines: [line] }))
    .filter(({ lines: [line] }) => /^\s*#(?!!)/.test(line))
}

/** Returns the prose of a Markdown page: its lines without code, tables, images and HTML. */
export function proseOf(text) {
  const prose = []
  let fence
  for (const [index, line] of text.split('\n').entries()) {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1]
    if (mark !== undefined && (fence === undefined || mark.startsWith(fence)))
      fence = fence === undefined ? mark : undefined
    else if (fence === undefined && !/^\s*(\||<|!\[|\[[^\]]+\]:)/.test(line))
      prose.push({ line: index + 1, lines: [line] })
  }
  return prose
}

/** Returns the comments or the prose of a file, by the kind of file that its path names. */
export function textsOf(text, path) {
  if (/\.md$/.test(path)) return proseOf(text)
  if (/\.[cm]?[jt]s$/.test(path)) return commentsOf(text, path)
  return hashCommentsOf(text)
}

/**
 * Returns the wording that `patterns` rule out, with the line of each. Code between backticks does
 * not count.
 */
export function wordingOf(texts) {
  return blocksOf(texts).flatMap(({ starts, words }) =>
    Object.entries(patterns).flatMap(([name, expressions]) =>
      expressions.flatMap((expression) =>
        [...words.matchAll(expression)].map(({ 0: wording, index }) => ({
          name,
          wording: wording.trim(),
          line: starts.findLast(({ at }) => at <= index)?.line ?? 0,
        })),
      ),
    ),
  )
}

/**
 * Returns the numbers of lines wider than `maxColumns`. A line that one long word fills cannot be
 * wrapped.
 */
export function wideLinesOf(texts) {
  return texts.flatMap(({ line, lines }) => lines.flatMap((text, offset) => (isTooWide(text) ? [line + offset] : [])))
}

/** Returns how many words the comments or the prose have. */
export function wordCountOf(texts) {
  return blocksOf(texts).reduce((sum, { words }) => sum + (words.match(/[\p{L}\d'-]+/gu)?.length ?? 0), 0)
}

function isTooWide(text) {
  if ([...text].length <= maxColumns) return false
  return !/^\s*(?:\*|\/\/|\/\*\*|#|[-*>]|\d+\.)?\s*\S+$/.test(text) && !/https?:\/\/\S{40}|\]\([^)]{40,}\)/.test(text)
}

function isSentence(text) {
  const words = text.match(/[A-Za-z']+/g) ?? []
  return words.length >= 4 && !/\b(?:select|insert|update|delete|create|alter)\s+\S+\s/i.test(text)
}

/** Joins each block of lines to one text, so that wording which a line break divides is found. */
function blocksOf(texts) {
  const blocks = []
  let next = -1
  for (const { line, lines } of texts) {
    if (line !== next || lines[0].trim() === '') blocks.push({ starts: [], words: '' })
    const block = blocks.at(-1)
    for (const [offset, text] of lines.entries()) {
      block.starts.push({ at: block.words.length, line: line + offset })
      block.words += `${plain(text)} `
    }
    next = line + lines.length
  }
  return blocks
}

function plain(text) {
  return text
    .replace(/^\s*(?:\/\*\*?|\*\/|\*|\/\/|#+|>|[-*]|\d+\.)\s?/, '')
    .replace(/\*\/\s*$/, '')
    .replace(/`[^`]*`/g, '`code`')
    .replace(/\]\([^)]*\)/g, ']')
    .replace(/https?:\/\/\S+/g, 'link')
    .trim()
}
