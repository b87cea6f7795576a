import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'
import { isTypeScript, Page } from './page.js'

/** The folder is in the repository, so that a block finds the packages that it imports. */
const cache = fileURLToPath(new URL('../../node_modules/.cache/blocks/', import.meta.url))

/**
 * Runs a TypeScript block of a page as a module, and returns its exports. The block sees the
 * environment of this process at the time of the call.
 *
 * @param index The position of the block among the TypeScript blocks of the page.
 */
export async function runBlock<Exports>(path: string, index = 0): Promise<Exports> {
  const block = Page.at(path).blocks.filter(isTypeScript)[index]
  if (block === undefined) throw new Error(`${path} has no TypeScript block ${index}.`)
  const { outputText } = ts.transpileModule(block.text, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  })
  mkdirSync(cache, { recursive: true })
  const file = `${cache}${randomUUID()}.mjs`
  writeFileSync(file, outputText)
  try {
    return await import(/* @vite-ignore */ pathToFileURL(file).href)
  } finally {
    rmSync(file)
  }
}
