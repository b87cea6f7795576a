import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const repository = fileURLToPath(new URL('../..', import.meta.url))

/** Returns the code of every `@example` below a folder by `path.line.ts`, the line of the tag. */
export function docstringExamples(folder: string): Record<string, string> {
  const files = readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
  return Object.assign(
    {},
    ...files.filter((file) => file.endsWith('.ts')).map((file) => examplesOf(`${folder}/${file}`)),
  )
}

function examplesOf(path: string): Record<string, string> {
  const source = ts.createSourceFile(path, readFileSync(join(repository, path), 'utf8'), ts.ScriptTarget.Latest, true)
  const examples: Record<string, string> = {}
  const visit = (node: ts.Node): void => {
    for (const tag of ts.getJSDocTags(node)) {
      if (tag.tagName.text !== 'example') continue
      const { line } = source.getLineAndCharacterOfPosition(tag.getStart())
      examples[`${path}.${line + 1}.ts`] = codeOf(ts.getTextOfJSDocComment(tag.comment) ?? '')
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return examples
}

/** Returns the code in the fence; an example of few lines has none. */
function codeOf(comment: string): string {
  return /^```ts\n(.*)^```/ms.exec(comment)?.[1] ?? comment
}
