import { readFile, writeFile } from 'node:fs/promises'

const root = new URL('../../../../', import.meta.url)

/**
 * Replaces the text between `<!-- name -->` and `<!-- /name -->` of a document in this repository.
 *
 * @throws Error when the document has no such block.
 */
export async function fillBlock(path: string, name: string, content: string): Promise<void> {
  const [opening, closing] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const file = new URL(path, root)
  const text = await readFile(file, 'utf8')
  const from = text.indexOf(opening)
  const to = text.indexOf(closing)
  if (from < 0 || to < from) throw new Error(`${path} has no block ${name}.`)
  await writeFile(file, `${text.slice(0, from + opening.length)}\n${content}\n${text.slice(to)}`)
}

/** Writes a drawing to `docs/reference/`. */
export async function writeDrawing(name: string, svg: string): Promise<void> {
  await writeFile(new URL(`docs/reference/${name}`, root), svg)
}
