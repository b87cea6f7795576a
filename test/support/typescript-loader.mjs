/**
 * Runs the TypeScript of this project in a child process:
 * `node --import …/typescript-loader.mjs file.ts`. Types are removed and not checked. An import of
 * `./x.js` that does not exist resolves to `./x.ts`. The output is cached under
 * node_modules/.cache, because loading the compiler takes longer than transpiling a file.
 */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import * as modules from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

const cache = new URL('../../node_modules/.cache/typescript-loader/', import.meta.url)

const require = modules.createRequire(import.meta.url)

// Synchronous hooks exist since Node 22.15, and Node 26 deprecates the others. Node 20 runs the
// hooks on a separate thread, which loads this file again.
if (modules.registerHooks !== undefined) modules.registerHooks({ resolve, load })
else if (isMainThread) modules.register(import.meta.url)

export function resolve(specifier, context, next) {
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
    const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
    if (existsSync(source)) return { url: source.href, format: 'module', shortCircuit: true }
  }
  if (specifier.endsWith('.ts')) {
    return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true }
  }
  return next(specifier, context)
}

export function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context)
  const text = readFileSync(fileURLToPath(url), 'utf8')
  const kept = new URL(`${createHash('sha256').update(text).digest('hex')}.js`, cache)
  const source = existsSync(kept) ? readFileSync(kept, 'utf8') : transpileTo(kept, text)
  return { format: 'module', source, shortCircuit: true }
}

function transpileTo(file, text) {
  const ts = require('typescript')
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  })
  mkdirSync(cache, { recursive: true })
  // The file is written elsewhere first, so that other processes that start at the same time find
  // all of it or nothing.
  const written = new URL(randomUUID(), cache)
  writeFileSync(written, outputText)
  renameSync(written, file)
  return outputText
}
