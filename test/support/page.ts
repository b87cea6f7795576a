import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../..', import.meta.url))

/** A fenced block of a page. */
export interface Block {
  /** Empty for a block without a language: output, or a drawing. */
  readonly language: string
  readonly text: string
  /** The nearest heading above the block. */
  readonly heading: string
  /** The line of the fence. */
  readonly line: number
}

/**
 * The blocks of a page of this repository. A test takes the blocks that it runs or checks. So it
 * can show that it left none out.
 */
export class Page {
  /** The path in the repository. */
  readonly path: string
  readonly #blocks: readonly Block[]
  readonly #taken = new Set<Block>()

  private constructor(path: string) {
    this.path = path
    this.#blocks = blocksIn(readFileSync(join(repository, path), 'utf8'))
  }

  /** Returns the page at a path, the same one for each call in a test file. */
  static at(path: string): Page {
    const page = pages.get(path) ?? new Page(path)
    pages.set(path, page)
    return page
  }

  /**
   * Takes the blocks of a language, on the whole page or below one heading. Throws if there are
   * none.
   */
  take(language: string, heading?: string): readonly string[] {
    const found = this.#blocks.filter(
      (block) => block.language === language && (heading === undefined || block.heading === heading),
    )
    if (found.length === 0) throw new Error(`${this.path} has no ${language} block below "${heading ?? this.path}".`)
    for (const block of found) this.#taken.add(block)
    return found.map(({ text }) => text)
  }

  /** Takes the shell blocks, each with the output that the page shows right below it. */
  takeSteps(): readonly { readonly commands: string; readonly shown: string }[] {
    return this.#blocks.flatMap((block, index) => {
      if (block.language !== 'sh') return []
      this.#taken.add(block)
      const next = this.#blocks[index + 1]
      const isOutput = next?.language === '' && next.line === block.line + block.text.split('\n').length + 2
      return [{ commands: block.text, shown: isOutput ? next.text : '' }]
    })
  }

  /** The position and the language of each block that no test took. */
  get leftOut(): readonly string[] {
    return this.#blocks
      .filter((block) => isToBeTaken(block) && !this.#taken.has(block))
      .map(({ line, language }) => `${this.path}:${line} (${language})`)
  }

  /** Every block of the page. */
  get blocks(): readonly Block[] {
    return this.#blocks
  }
}

const pages = new Map<string, Page>()

/**
 * Returns the blocks of a page that no test of this file took; pages.test.ts finds the page's test
 * by this call.
 */
export function blocksLeftOut(path: string): readonly string[] {
  return Page.at(path).leftOut
}

/** Returns whether a block is TypeScript, which documents-compile.test.ts compiles. */
export function isTypeScript({ language }: Block): boolean {
  return ['ts', 'tsx', 'mts', 'typescript'].includes(language)
}

/** Returns whether a test of the page has to take a block. */
export function isToBeTaken(block: Block): boolean {
  return block.language !== '' && !isTypeScript(block)
}

/**
 * Returns the paths of all pages: of the repository, and the README of each package, example and
 * folder of data.
 */
export function pagePaths(): readonly string[] {
  const inside = (folder: string) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !/(^|\/)(node_modules|dist|CHANGELOG\.md)/.test(name))
      .map((name) => `${folder}/${name}`)
  const top = readdirSync(repository).filter((name) => name.endsWith('.md'))
  const folders = ['docs', 'packages', 'examples', 'model', 'bench', 'deploy', 'test', '.github', '.changeset']
  return [...top, ...folders.filter((folder) => existsSync(join(repository, folder))).flatMap(inside)]
}

function blocksIn(text: string): readonly Block[] {
  const fences = text.matchAll(/^( *)```([\w-]*)[^\n]*\n([\s\S]*?)^ *```$/gm)
  return [...fences].map(({ index, 1: indent = '', 2: language = '', 3: body = '' }) => {
    const before = text.slice(0, index)
    const headings = [...before.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)]
    return {
      language,
      text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      heading: headings.at(-1)?.[1] ?? '',
      line: before.split('\n').length,
    }
  })
}
