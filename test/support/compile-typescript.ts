import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const repository = fileURLToPath(new URL('../..', import.meta.url))

const commonOptions: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  types: ['node'],
  // As the projects of Nest set them.
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
}

/**
 * The functions of Next.js that pages use. A project of test/release compiles against Next.js
 * itself, which is too large to be installed for every test.
 */
const nextjs = `
  declare module 'next/headers' { export function headers(): Promise<Headers> }
  declare module 'next/navigation' { export function redirect(url: string): never }
`

// Parsing the libraries takes most of the time, and every program uses the same ones.
const parsed = new Map<string, ts.SourceFile | undefined>()

/** Files of the repository that an import of a package loads instead of its own. */
export type Substitutes = Readonly<Record<string, string>>

/**
 * Returns the errors of TypeScript under `strict` for texts at these paths of the repository, as
 * `path:line TS1234 message`. The texts are modules of one program, which imports the packages as
 * an installation does.
 */
export function compileTypeScript(texts: Readonly<Record<string, string>>, substitutes: Substitutes = {}): string[] {
  const paths = Object.fromEntries(Object.entries(substitutes).map(([name, file]) => [name, [repository + file]]))
  const options = { ...commonOptions, paths }
  const sources = { ...texts, 'next.d.ts': nextjs }
  const files = new Map(Object.entries(sources).map(([path, text]) => [repository + path, text]))
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.readFile = (path) => files.get(path) ?? readFile(path)
  host.getSourceFile = (path, languageVersion) => {
    const text = files.get(path)
    if (text !== undefined) return ts.createSourceFile(path, text, languageVersion)
    if (!parsed.has(path)) parsed.set(path, getSourceFile(path, languageVersion))
    return parsed.get(path)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  return ts.getPreEmitDiagnostics(program).map(describe)
}

function describe({ file, start = 0, code, messageText }: ts.Diagnostic): string {
  const message = ts.flattenDiagnosticMessageText(messageText, ' ')
  if (file === undefined) return `TS${code} ${message}`
  const { line } = file.getLineAndCharacterOfPosition(start)
  return `${file.fileName.slice(repository.length)}:${line + 1} TS${code} ${message}`
}
